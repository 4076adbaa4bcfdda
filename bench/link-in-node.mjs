// Links a program with its shared libraries and runs it in Node: what Emscripten's loader does, for the target WASI.
// A call into a library that is instantiated by then is bound to its function; one into a library that comes later, in
// a cycle, goes through a function of JavaScript that finds it at its first call.
//
//   node link-in-node.mjs [-L DIRECTORY]... PROGRAM [ARGUMENT...]
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { WASI } from 'node:wasi';

const words = process.argv.slice(2);
const directories = [];
while (words[0] === '-L') directories.push(words.splice(0, 2)[1]);
directories.unshift(path.dirname(words[0]));

const stackSize = 1 << 20;
const lowest = 1024; // no address below it is given out
const align = (value, power) => Math.ceil(value / 2 ** power) * 2 ** power;

// ---- Modules --------------------------------------------------------------------------------------------------------

// What the dylink.0 section says of memory, table and needed libraries.
function readDylink(bytes) {
  const dylink = { memorySize: 0, memoryAlign: 0, tableSize: 0, tableAlign: 0, needed: [] };
  let at = 8;
  const leb = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  };
  const text = () => {
    const size = leb();
    at += size;
    return new TextDecoder().decode(bytes.subarray(at - size, at));
  };
  const isCustom = bytes[at++] === 0;
  const end = leb() + at;
  if (!isCustom || text() !== 'dylink.0') throw new Error('a module has no dylink.0 section');
  while (at < end) {
    const kind = bytes[at++];
    const next = leb() + at;
    if (kind === 1) {
      [dylink.memorySize, dylink.memoryAlign, dylink.tableSize, dylink.tableAlign] = [leb(), leb(), leb(), leb()];
    } else if (kind === 2) {
      dylink.needed = Array.from({ length: leb() }, text);
    }
    at = next;
  }
  return dylink;
}

const libraries = new Map(); // by name, in load order, the program first
function load(name, file) {
  const bytes = new Uint8Array(readFileSync(file));
  const module = new WebAssembly.Module(bytes);
  const names = new Map(WebAssembly.Module.exports(module).map((one) => [one.name, one.kind]));
  libraries.set(name, { name, module, names, instance: null, ...readDylink(bytes) });
}
load(path.basename(words[0]), words[0]);
for (const library of libraries.values()) {
  for (const name of library.needed) {
    if (libraries.has(name)) continue;
    const file = directories.map((directory) => path.join(directory, name)).find(existsSync);
    if (!file) throw new Error(`${library.name} needs ${name}, which is not there`);
    load(name, file);
  }
}
const [program] = libraries.values();

const sorted = []; // what is needed first
const seen = new Set();
(function visit(library) {
  if (seen.has(library)) return;
  seen.add(library);
  for (const name of library.needed) visit(libraries.get(name));
  sorted.push(library);
})(program);

// ---- Places ---------------------------------------------------------------------------------------------------------

let memoryEnd = lowest + stackSize;
let tableEnd = 1;
for (const library of libraries.values()) {
  library.memoryBase = align(memoryEnd, Math.max(library.memoryAlign, 4));
  memoryEnd = library.memoryBase + library.memorySize;
  library.tableBase = align(tableEnd, library.tableAlign);
  tableEnd = library.tableBase + library.tableSize;
}
const heap = align(memoryEnd, 4);
const pages = Math.ceil(heap / 65536) + 16;
const memory = new WebAssembly.Memory({ initial: pages, maximum: 65536 });
const table = new WebAssembly.Table({ initial: tableEnd, element: 'anyfunc' });
const constant = (value) => new WebAssembly.Global({ value: 'i32', mutable: false }, value);
const variable = (value) => new WebAssembly.Global({ value: 'i32', mutable: true }, value);
const stackPointer = variable(lowest + stackSize);
const ofLinker = {
  __heap_base: heap,
  __heap_end: pages * 65536,
  __stack_high: lowest + stackSize,
  __stack_low: lowest,
};

// ---- Symbols --------------------------------------------------------------------------------------------------------

const privateNames = /^(_start|_initialize|memory|__wasm_(call_ctors|apply_\w+|init_\w+)|__tls_\w+)$/;
function definerOf(name) {
  if (privateNames.test(name)) return undefined;
  for (const library of libraries.values()) {
    if (library.names.has(name)) return library;
  }
  return undefined;
}

function functionNamed(name) {
  const definer = definerOf(name);
  if (definer?.instance) return definer.instance.exports[name];
  let found = null;
  return (...values) => {
    found ??= definer?.instance.exports[name];
    if (!found) throw new Error(`nobody defines ${name}`);
    return found(...values);
  };
}

const tags = new Map(); // of exceptions and longjmp: nobody's, so the linker's
function tagNamed(name) {
  if (!tags.has(name)) tags.set(name, new WebAssembly.Tag({ parameters: ['i32'] }));
  return tags.get(name);
}

const slots = new Map(); // in the table, by function
function addressOfFunction(name) {
  if (!slots.has(name)) {
    const definer = definerOf(name);
    if (!definer) return 0;
    slots.set(name, table.grow(1, definer.instance.exports[name]));
  }
  return slots.get(name);
}

function addressOfData(name) {
  const definer = definerOf(name);
  return definer ? definer.instance.exports[name].value + definer.memoryBase : (ofLinker[name] ?? 0);
}

// ---- Instances ------------------------------------------------------------------------------------------------------

const wasi = new WASI({ version: 'preview1', args: words });
const cells = []; // of the GOT, filled when all instances are there

function importOf(library, { module, name, kind }) {
  if (module === 'wasi_snapshot_preview1') return wasi.wasiImport[name];
  if (module === 'GOT.mem' || module === 'GOT.func') {
    const cell = variable(0);
    cells.push({ cell, name, isFunction: module === 'GOT.func' });
    return cell;
  }
  if (kind === 'function') return functionNamed(name);
  if (kind === 'tag') return tagNamed(name);
  return {
    memory,
    __indirect_function_table: table,
    __stack_pointer: stackPointer,
    __memory_base: constant(library.memoryBase),
    __table_base: constant(library.tableBase),
  }[name];
}

for (const library of sorted) {
  const imports = {};
  for (const one of WebAssembly.Module.imports(library.module)) {
    (imports[one.module] ??= {})[one.name] = importOf(library, one);
  }
  library.instance = new WebAssembly.Instance(library.module, imports);
}
for (const { cell, name, isFunction } of cells) {
  cell.value = isFunction ? addressOfFunction(name) : addressOfData(name);
}

wasi.start({
  exports: {
    memory,
    _start() {
      for (const library of sorted) library.instance.exports.__wasm_apply_data_relocs?.();
      for (const { instance } of sorted) {
        if (instance !== program.instance) (instance.exports._initialize ?? instance.exports.__wasm_call_ctors)?.();
      }
      program.instance.exports._start();
    },
  },
});
