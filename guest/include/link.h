// The libraries of the program. Modules have no program headers and no dynamic section: what ELF has there is null
// here.
#ifndef _LINK_H
#define _LINK_H

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint16_t Elf32_Half;
typedef uint32_t Elf32_Word;
typedef int32_t Elf32_Sword;
typedef uint32_t Elf32_Off;
typedef uint32_t Elf32_Addr;

typedef struct {
  Elf32_Word p_type;
  Elf32_Off p_offset;
  Elf32_Addr p_vaddr;
  Elf32_Addr p_paddr;
  Elf32_Word p_filesz;
  Elf32_Word p_memsz;
  Elf32_Word p_flags;
  Elf32_Word p_align;
} Elf32_Phdr;

typedef struct {
  Elf32_Sword d_tag;
  union {
    Elf32_Word d_val;
    Elf32_Addr d_ptr;
  } d_un;
} Elf32_Dyn;

#define ElfW(type) Elf32_##type

// Of dlinfo with RTLD_DI_LINKMAP. The list is as it was at the last such call.
struct link_map {
  ElfW(Addr) l_addr;  // where its data begins
  char* l_name;       // "" is the main program; never freed
  ElfW(Dyn) * l_ld;   // null
  struct link_map* l_next;
  struct link_map* l_prev;
};

struct dl_phdr_info {
  ElfW(Addr) dlpi_addr;          // where its data begins
  const char* dlpi_name;         // "" is the main program; never freed
  const ElfW(Phdr) * dlpi_phdr;  // null
  ElfW(Half) dlpi_phnum;         // 0
  uint64_t dlpi_adds;            // libraries ever loaded
  uint64_t dlpi_subs;            // libraries ever unloaded
  size_t dlpi_tls_modid;         // 0
  void* dlpi_tls_data;           // null
  // What only WebAssembly has.
  size_t dlpi_memory_size;
  ElfW(Addr) dlpi_table_base;
  size_t dlpi_table_size;
};

// Calls `callback` for the main program and then for each library in load order, until it returns
// something else than 0. A callback that closes the library it was called for ends the walk.
int dl_iterate_phdr(int (*callback)(struct dl_phdr_info* info, size_t size, void* data), void* data);

#ifdef __cplusplus
}
#endif

#endif
