"""Makes a module in which a function differs small, for tests/fuzz/differential."""

from wasm import ELSE, END, F32, F64, I32, I64, V128, constant

OPENS = (0x02, 0x03, 0x04)


def blocks(code):
    """(begin, else or None, end) of every block whose instructions are pieces of their own."""
    found = []
    open_blocks = []
    for n, piece in enumerate(code):
        if piece[0] in OPENS:
            open_blocks.append([n, None])
        elif piece == ELSE and open_blocks:
            open_blocks[-1][1] = n
        elif piece == END and open_blocks:
            found.append((*open_blocks.pop(), n))
    return found


def smaller(code):
    """Shorter code, the shortest first. Most of it is not valid."""
    size = len(code) // 2
    while size >= 1:
        for start in range(0, len(code), max(1, size // 2)):
            if start + size <= len(code):
                yield code[:start] + code[start + size:]
        size = size * 2 // 3 if size > 3 else size - 1
    for begin, middle, end in blocks(code):
        yield code[:begin] + code[end + 1:]
        if middle is None:
            yield code[:begin] + code[begin + 1:end] + code[end + 1:]
            if code[begin][0] == 0x04:
                yield code[:begin] + [b"\x1a"] + code[begin + 1:end] + code[end + 1:]
        else:
            yield code[:begin] + [b"\x1a"] + code[begin + 1:middle] + code[end + 1:]
            yield code[:begin] + [b"\x1a"] + code[middle + 1:end] + code[end + 1:]
    # Two pieces that are not neighbours: what makes a value, and what takes it.
    for gap in range(2, 8):
        for start in range(len(code) - gap):
            yield code[:start] + code[start + 1:start + gap] + code[start + gap + 1:]
    for size in (6, 5, 4, 3, 2):
        for start in range(len(code) - size + 1):
            for kind in (I32, I64, F32, F64, V128):
                yield code[:start] + [constant(kind, 1)] + code[start + size:]
            yield code[:start] + [b"\x1a"] + code[start + size:]


def reduce(module, function, differs):
    """The smallest module found for which `differs` is true."""
    stub = [b"\x00"]
    for n in range(len(module.functions)):
        if n != function and module.functions[n].code != stub:
            functions = list(module.functions)
            functions[n] = functions[n].copy(stub)
            candidate = module.copy(functions)
            if differs(candidate):
                module = candidate
    progress = True
    while progress:
        progress = False
        for n in [function, *range(len(module.functions))]:
            if module.functions[n].code == stub:
                continue
            while True:
                for code in smaller(module.functions[n].code):
                    functions = list(module.functions)
                    functions[n] = functions[n].copy(code)
                    candidate = module.copy(functions)
                    if differs(candidate):
                        module = candidate
                        progress = True
                        break
                else:
                    break
    return module
