"""Makes the random modules of tests/fuzz/differential: valid ones whose calls all end, with the shapes of code that the
interpreter's translator looks for and their borders.

A function is made from the front to the back; `Generator.stack` has the types of the values that are on the operand stack
of the block at that point. Statements may leave values there, which later ones take.

Engines differ in the bits of a NaN. So floats become all the same NaN where their bits can be seen; "clean" expressions are
those whose bits are the same everywhere.
"""

import random

from wasm import (ELSE, END, EPILOGUE, EQUAL, F32, F64, I32, I64, MAXIMUM_PAGES, NAN, PAGE, REINTERPRET, TABLE,
                  V128, Function, Module, constant, signed, unsigned)

ALL = (I32, I64, F32, F64, V128)
FLOATS = (F32, F64)

CONSTANTS = {
    I32: [0, 0, 1, 1, 1, 2, 3, 4, 7, 8, 16, 31, 32, 33, 63, 64, 100, 127, 128, 255, 256, 0x7FFE, 0x7FFF, 0x8000, 0x8001,
          0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFF7FFF, 0xFFFF8000, 0xFFFF8001, 0xFFFFFFF8, 0xFFFFFFFE,
          0xFFFFFFFF, 0xFFFFFFFF],
    I64: [0, 0, 1, 1, 2, 3, 4, 7, 8, 31, 32, 33, 63, 64, 65, 127, 128, 255, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000,
          0x80000001, 0xFFFFFFFF, 0x100000000, 0x100000001, 0x123456789ABCDEF0, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000,
          0xFFFFFFFF7FFFFFFF, 0xFFFFFFFF80000000, 0xFFFFFFFFFFFFFF80, 0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF],
    F32: [0, 0x80000000, 0x3F800000, 0xBF800000, 0x40000000, 0x3F000000, 0x40490FDB, 0x7F800000, 0xFF800000, 0x7FC00000,
          0x00000001, 0x007FFFFF, 0x4F000000, 0xCF000000, 0x4F800000, 0x5F000000, 0xDF000000, 0x42C80000, 0x447A0000],
    F64: [0, 1 << 63, 0x3FF0000000000000, 0xBFF0000000000000, 0x4000000000000000, 0x3FE0000000000000, 0x400921FB54442D18,
          0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8000000000000, 1, 0x41E0000000000000, 0xC1E0000000000000,
          0x41F0000000000000, 0x43E0000000000000, 0xC3E0000000000000, 0x4059000000000000, 0x408F400000000000],
    V128: [0, 0, (1 << 128) - 1, 0x0F0E0D0C0B0A09080706050403020100, 0x80000000800000008000000080000000,
           0x7FFF80007FFF80007FFF80007FFF8000, 0x00FF017F80FE00FF017F80FE00FF017F, 0x3F800000BF8000004000000042C80000,
           0x4F0000007FC000007F80000080000000, 0x3FF00000000000007FF8000000000000, 0x41E0000000000000C1E0000000200000,
           0x00000001000000020000000300000004, 0x7FFFFFFFFFFFFFFF8000000000000000, 0x10203040506070808090A0B0C0D0E0F0],
}
FINITE = {F32: [0, 0x3F800000, 0xBF800000, 0x40000000, 0x3F000000, 0x42C80000, 0xC0400000],
          F64: [0, 0x3FF0000000000000, 0xBFF0000000000000, 0x4000000000000000, 0x3FE0000000000000, 0x4059000000000000]}
SIZE = {I32: 4, I64: 8, F32: 4, F64: 8, V128: 16}



def vector(code):
    """An instruction on vectors."""
    return b"\xfd" + unsigned(code)


ADD, SUB, MUL = {I32: 0x6A, I64: 0x7C}, {I32: 0x6B, I64: 0x7D}, {I32: 0x6C, I64: 0x7E}
AND, OR, XOR = {I32: 0x71, I64: 0x83}, {I32: 0x72, I64: 0x84}, {I32: 0x73, I64: 0x85}
for table, opcode in ((ADD, 0xAE), (SUB, 0xD1), (MUL, 0x95), (AND, 0x4E), (OR, 0x50), (XOR, 0x51)):
    table[V128] = vector(opcode)
# Of integers.
VECTOR_COMPARES = [vector(n) for n in (*range(0x23, 0x41), *range(0xD6, 0xDC))]
VECTOR_BINARY = [vector(n) for n in (
    0x0E, *range(0x4E, 0x52), 0x65, 0x66, *range(0x6E, 0x74), *range(0x76, 0x7A), 0x7B, 0x82, 0x85, 0x86,
    *range(0x8E, 0x94), *range(0x95, 0x9A), *range(0x9B, 0xA0), 0xAE, 0xB1, *range(0xB5, 0xBB), *range(0xBC, 0xC0), 0xCE,
    0xD1, 0xD5, *range(0xDC, 0xE0))] + VECTOR_COMPARES
VECTOR_UNARY = [vector(n) for n in (
    0x4D, 0x60, 0x61, 0x62, 0x7C, 0x7D, 0x7E, 0x7F, 0x80, 0x81, *range(0x87, 0x8B), 0xA0, 0xA1, *range(0xA7, 0xAB), 0xC0,
    0xC1, *range(0xC7, 0xCB), 0xE0, 0xE1, 0xEC, 0xED, *range(0xF8, 0x100))]
VECTOR_TESTS = [vector(n) for n in (0x53, 0x63, 0x64, 0x83, 0x84, 0xA3, 0xA4, 0xC3, 0xC4)]
# Those whose NaNs differ; and the compares of the same lanes.
VECTOR_FLOATS = {F32: [vector(n) for n in (*range(0xE4, 0xEC), *range(0x41, 0x47))],
                 F64: [vector(n) for n in (*range(0xF0, 0xF8), *range(0x47, 0x4D))]}
VECTOR_FLOAT_UNARY = {F32: [vector(n) for n in (0x5E, 0x67, 0x68, 0x69, 0x6A, 0xE3)],
                      F64: [vector(n) for n in (0x5F, 0x74, 0x75, 0x7A, 0x94, 0xEF)]}
VECTOR_NAN = {F32: 0x7FC00000 * 0x1000000010000000100000001, F64: 0x7FF8000000000000 * 0x10000000000000001}
VECTOR_EQUAL = {F32: vector(0x41), F64: vector(0x47)}
# The scalar, and how many lanes.
SPLATS = [(0x0F, I32), (0x10, I32), (0x11, I32), (0x12, I64), (0x13, F32), (0x14, F64)]
EXTRACTS = {I32: [(0x15, 16), (0x16, 16), (0x18, 8), (0x19, 8), (0x1B, 4)], I64: [(0x1D, 2)], F32: [(0x1F, 4)],
            F64: [(0x21, 2)]}
REPLACES = [(0x17, I32, 16), (0x1A, I32, 8), (0x1C, I32, 4), (0x1E, I64, 2), (0x20, F32, 4), (0x22, F64, 2)]
VECTOR_SHIFTS = [vector(n) for n in (*range(0x6B, 0x6E), *range(0x8B, 0x8E), *range(0xAB, 0xAE), *range(0xCB, 0xCE))]
VECTOR_LOADS = [vector(n) for n in (*range(0x01, 0x0B), 0x5C, 0x5D)]
LANE_ACCESSES = [(0x54, 16), (0x55, 8), (0x56, 4), (0x57, 2)]  # loads; stores are 4 further
SHL = {I32: 0x74, I64: 0x86}
# Without those that divide.
ARITHMETIC = {I32: [0x6A, 0x6A, 0x6A, 0x6B, 0x6B, 0x6C, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78],
              I64: [0x7C, 0x7C, 0x7C, 0x7D, 0x7D, 0x7E, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A],
              F32: [0x92, 0x93, 0x94, 0x95, 0x96, 0x97], F64: [0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5], V128: VECTOR_BINARY}
DIVISIONS = {I32: [0x6D, 0x6E, 0x6F, 0x70], I64: [0x7F, 0x80, 0x81, 0x82]}
SHIFTS = {I32: [0x74, 0x75, 0x76, 0x77, 0x78], I64: [0x86, 0x87, 0x88, 0x89, 0x8A]}
COMPARES = {I32: list(range(0x46, 0x50)), I64: list(range(0x51, 0x5B)), F32: list(range(0x5B, 0x61)),
            F64: list(range(0x61, 0x67)),
            V128: [compare + test for compare in VECTOR_COMPARES for test in VECTOR_TESTS]}
EQZ = {I32: 0x45, I64: 0x50}
UNARY = {I32: [0x67, 0x68, 0x69, 0xC0, 0xC1], I64: [0x79, 0x7A, 0x7B, 0xC2, 0xC3, 0xC4],
         F32: list(range(0x8B, 0x92)), F64: list(range(0x99, 0xA0)), V128: VECTOR_UNARY}
COPYSIGN = {F32: 0x98, F64: 0xA6}
# opcode, bytes
LOADS = {I32: [(0x28, 4), (0x28, 4), (0x28, 4), (0x2C, 1), (0x2D, 1), (0x2E, 2), (0x2F, 2)],
         I64: [(0x29, 8), (0x29, 8), (0x29, 8), (0x30, 1), (0x31, 1), (0x32, 2), (0x33, 2), (0x34, 4), (0x35, 4)],
         F32: [(0x2A, 4)], F64: [(0x2B, 8)], V128: [(vector(0x00), 16)]}
STORES = {I32: [(0x36, 4), (0x36, 4), (0x3A, 1), (0x3B, 2)], I64: [(0x37, 8), (0x37, 8), (0x3C, 1), (0x3D, 2), (0x3E, 4)],
          F32: [(0x38, 4)], F64: [(0x39, 8)], V128: [(vector(0x0B), 16)]}

BYTE = [bytes([n]) for n in range(256)]
DROP, RETURN, SELECT = b"\x1a", b"\x0f", b"\x1b"
GET = [b"\x20" + unsigned(n) for n in range(200)]
SET = [b"\x21" + unsigned(n) for n in range(200)]
TEE = [b"\x22" + unsigned(n) for n in range(200)]


def coded(opcode):
    """Opcodes of one byte are numbers."""
    return opcode if isinstance(opcode, bytes) else BYTE[opcode]


class Label:
    def __init__(self, types):
        self.types = types  # what a branch to it takes; None: it must not be branched to


class Generator:
    def __init__(self, source, module, index):
        self.random = source
        self.module = module
        self.index = index
        self.function = function = module.functions[index]
        self.code = function.code
        self.limit = source.choice([40, 90, 90, 160, 160, 260])
        self.types = list(function.parameters)
        self.stack = []
        self.labels = []
        self.loops = 0
        self.interrupting = 0
        self.fuel = None
        self.fuel_form = 0
        self.scratch = {}
        # Locals that any statement may set, by type; and those set or read lately.
        self.data = {kind: [n for n, k in enumerate(function.parameters) if k == kind] for kind in ALL}
        wanted = {I32: source.randint(1, 4), I64: source.randint(0, 3), F32: source.choice([0, 0, 1, 2]),
                  F64: source.choice([0, 0, 1, 2]), V128: source.choice([0, 0, 1, 2, 3])}
        for kind in ALL:
            while len(self.data[kind]) < wanted[kind]:
                self.data[kind].append(self.new_local(kind))
        self.readable = {kind: list(self.data[kind]) for kind in ALL}
        self.recent = {kind: [] for kind in ALL}
        # Small numbers, for addresses: multiples of 8, and indices below 16.
        self.pointers = [self.new_local(I32) for _ in range(source.randint(1, 2))]
        self.indices = [self.new_local(I32)]
        self.readable[I32] += self.pointers + self.indices
        self.bases = [b"\x23" + unsigned(n) for n in module.bases]
        # Floats with the same bits everywhere.
        self.clean_locals = {kind: [self.new_local(kind)] if source.random() < 0.4 else [] for kind in FLOATS}
        kinds = [kind for kind in ALL for _ in range(len(self.data[kind]))] + [I32]
        self.kinds = kinds
        self.callees = [n for n, f in enumerate(module.functions[:index]) if f.level < function.level]
        # A function has not all kinds of statements: those that it has meet each other more often.
        statements = [
            (self.s_set, 14), (self.s_tee, 5), (self.s_count, 7), (self.s_store, 6), (self.s_transfer, 6),
            (self.s_global, 2), (self.s_call, 4), (self.s_block, 6), (self.s_if, 6), (self.s_loop, 4),
            (self.s_fuelled_loop, 2), (self.s_br_if, 4), (self.s_pending, 16), (self.s_bulk, 1), (self.s_copies, 4),
            (self.s_constant, 3), (self.s_compare_count, 5), (self.s_drop, 1), (self.s_pointer, 3), (self.s_push, 8),
            (self.s_take, 10), (self.s_switch, 1.5), (self.s_label, 2), (self.s_nop, 0.3)]
        self.statements = self.swarm(statements, 0.25)
        integer = [(self.e_binary, 16), (self.e_sum, 10), (self.e_shifted, 8), (self.e_multiply_add, 3),
                   (self.e_mask, 4), (self.e_tee, 9), (self.e_select, 5), (self.e_load, 9), (self.e_block, 2),
                   (self.e_if, 2), (self.e_call, 2), (self.e_convert, 5), (self.e_unary, 3), (self.e_leaf, 8),
                   (self.e_division, 2), (self.e_pending, 5), (self.e_global, 2)]
        floating = [(self.e_binary, 16), (self.e_multiply_add, 4), (self.e_tee, 6), (self.e_select, 4), (self.e_load, 5),
                    (self.e_block, 1), (self.e_if, 1), (self.e_call, 2), (self.e_convert, 4), (self.e_unary, 5),
                    (self.e_leaf, 8), (self.e_copysign, 2), (self.e_pending, 4), (self.e_global, 2), (self.e_clean, 3)]
        vectors = [(self.e_binary, 20), (self.e_sum, 3), (self.e_multiply_add, 3), (self.e_tee, 8), (self.e_select, 5),
                   (self.e_load, 6), (self.e_block, 2), (self.e_if, 2), (self.e_call, 2), (self.e_unary, 8),
                   (self.e_leaf, 8), (self.e_pending, 5), (self.e_global, 2), (self.e_vector, 20)]
        self.expressions = {}
        for kind in ALL:
            table = list(vectors if kind == V128 else floating if kind in FLOATS else integer)
            if kind != V128:
                table += [(self.e_lane, 2)]
            if kind == I32:
                table += [(self.e_compare, 8)]
            self.expressions[kind] = self.swarm(table, 0.15)

    def swarm(self, table, missing):
        kept = [entry for entry in table if self.random.random() >= missing] or table[:1]
        total = 0
        sums = []
        for _, weight in kept:
            total += weight * self.random.choice([0.5, 1, 1, 2])
            sums.append(total)
        return [entry[0] for entry in kept], sums

    def draw(self, table):
        return self.random.choices(table[0], cum_weights=table[1])[0]

    def chance(self, share):
        return self.random.random() < share

    # --- Pieces

    def new_local(self, kind):
        self.types.append(kind)
        self.function.locals.append(kind)
        return len(self.types) - 1

    def emit(self, piece):
        self.code.append(piece)

    def op(self, opcode):
        self.code.append(coded(opcode))

    def constant(self, kind, bits=None):
        if bits is None:
            bits = self.random_bits(kind)
        self.code.append(constant(kind, bits & ((1 << 8 * SIZE[kind]) - 1)))

    def random_bits(self, kind):
        choice = self.random.random()
        if choice < 0.7:
            return self.random.choice(CONSTANTS[kind])
        if kind in FLOATS:
            return self.random.choice(FINITE[kind])
        if choice < 0.85:
            return self.random.randrange(-20, 40) & ((1 << 8 * SIZE[kind]) - 1)
        return self.random.getrandbits(8 * SIZE[kind])

    def touch(self, kind, index):
        recent = self.recent[kind]
        recent.append(index)
        if len(recent) > 3:
            recent.pop(0)

    def pick(self, kind):
        """A local to read; None when there is none of the type."""
        recent = self.recent[kind]
        if recent and self.chance(0.55):
            return self.random.choice(recent)
        return self.random.choice(self.readable[kind]) if self.readable[kind] else None

    def pick_to_set(self, kind):
        data = self.data[kind]
        if not data:
            return None
        recent = self.recent[kind]
        if recent and self.chance(0.55):
            index = self.random.choice(recent)
            if index in data:
                return index
        return self.random.choice(data)

    def get(self, kind):
        index = self.pick(kind)
        if index is None:
            self.constant(kind)
            return None
        self.touch(kind, index)
        self.code.append(GET[index])
        return index

    def set(self, kind):
        """Takes a value of the type."""
        index = self.pick_to_set(kind)
        if index is None:
            self.emit(DROP)
            return None
        self.touch(kind, index)
        self.code.append(SET[index])
        return index

    def full(self):
        return len(self.code) >= self.limit

    def canonical(self, kind):
        """Code that makes a NaN on the stack the one NaN."""
        if kind not in self.scratch:
            self.scratch[kind] = self.new_local(kind)
        index = self.scratch[kind]
        return TEE[index] + NAN[kind] + GET[index] + GET[index] + EQUAL[kind] + SELECT

    def block_type(self, parameters, results):
        if not parameters and not results:
            return b"\x40"
        if not parameters and len(results) == 1 and self.chance(0.8):
            return BYTE[results[0]]
        return signed(self.module.type_index(parameters, results))

    # --- Expressions: leave one value

    def expression(self, kind, depth):
        if depth <= 0 or self.full():
            self.e_leaf(kind, 0)
        else:
            self.draw(self.expressions[kind])(kind, depth)

    def e_leaf(self, kind, depth):
        if self.chance(0.72):
            self.get(kind)
        else:
            self.constant(kind)

    def e_binary(self, kind, depth):
        form = self.random.random()
        opcode = self.random.choice(ARITHMETIC[kind])
        if form < 0.35:
            self.expression(kind, depth - 1)
            self.interrupt()
            self.expression(kind, depth - 1)
        elif form < 0.55:
            self.expression(kind, depth - 1)
            self.constant(kind)
        elif form < 0.68:
            self.constant(kind)
            self.interrupt()
            self.expression(kind, depth - 1)
        elif form < 0.8:
            self.get(kind)
            self.interrupt()
            self.expression(kind, depth - 1)
        elif form < 0.9:
            self.expression(kind, depth - 1)
            self.interrupt()
            self.get(kind)
        else:
            self.get(kind)
            self.get(kind)
        self.op(opcode)

    def e_sum(self, kind, depth):
        """A local plus a constant: nothing is emitted for it before it is used."""
        more = self.chance(0.25)
        if more:
            self.get(kind)
        if self.chance(0.8):
            self.get(kind)
            self.constant(kind)
        else:
            self.constant(kind)
            self.get(kind)
        self.op(ADD[kind])
        while self.chance(0.2):
            self.constant(kind)
            self.op(ADD[kind])
        if more:
            self.op(self.random.choice(ARITHMETIC[kind]))

    def e_shifted(self, kind, depth):
        """x op (y shifted by a constant), and either way round."""
        def other():
            choice = self.random.random()
            if choice < 0.5:
                self.get(kind)
            elif choice < 0.85:
                self.expression(kind, depth - 1)
            else:
                self.constant(kind)

        def shifted():
            if self.chance(0.6):
                self.get(kind)
            else:
                self.expression(kind, depth - 1)
            self.constant(kind, self.random.choice([0, 1, 2, 3, 4, 5, 7, 8, 13, 16, 31, 32, 33, 63, 64, 255]))
            self.op(self.random.choice(SHIFTS[kind]))

        first, second = (other, shifted) if self.chance(0.7) else (shifted, other)
        first()
        self.interrupt()
        second()
        self.op(self.random.choice([ADD, ADD, XOR, OR, AND, SUB])[kind])

    def e_multiply_add(self, kind, depth):
        multiply, add = (0x94, [0x92, 0x93]) if kind == F32 else (0xA2, [0xA0, 0xA1]) if kind == F64 else (
            MUL[kind], [ADD[kind], SUB[kind]])
        last = self.chance(0.6)
        if not last:
            self.expression(kind, depth - 2)
        self.expression(kind, depth - 2)
        self.expression(kind, depth - 2)
        self.op(multiply)
        if last:
            self.expression(kind, depth - 2)
        self.op(self.random.choice(add))

    def e_mask(self, kind, depth):
        """Bits of a number: shift and mask, either first."""
        self.expression(kind, depth - 1)
        steps = [(self.random.choice([0x75, 0x76] if kind == I32 else [0x87, 0x88]),
                  self.random.choice([1, 2, 4, 7, 8, 16, 24, 31, 32, 56])),
                 (AND[kind], self.random.choice([1, 3, 7, 15, 31, 63, 127, 255, 0xFFFF, 0x8000, 0x10000, 0xFFFFFF00, 0x7FFFFFFF]))]
        if self.chance(0.3):
            steps.reverse()
        for opcode, bits in steps[:self.random.choice([1, 2, 2, 2])]:
            self.constant(kind, bits)
            self.op(opcode)

    def e_tee(self, kind, depth):
        """A value kept in a local and used again, at once and later."""
        index = self.pick_to_set(kind)
        if index is None:
            self.e_leaf(kind, 0)
            return
        before = self.chance(0.3)
        if before:
            self.get(kind)  # perhaps of the local that the tee changes
        self.expression(kind, depth - 1)
        self.touch(kind, index)
        self.emit(TEE[index])
        ops = ARITHMETIC[kind]
        if before:
            self.op(self.random.choice(ops))
        form = self.random.random()
        if form < 0.2:
            pass
        elif form < 0.5:
            self.emit(GET[index])
            self.op(self.random.choice(ops))
        elif form < 0.7:
            self.constant(kind)
            self.op(self.random.choice(ops))
            self.emit(GET[index])
            self.op(self.random.choice(ops))
        elif form < 0.85:
            self.get(kind)
            self.op(self.random.choice(ops))
            self.emit(GET[index])
            self.op(self.random.choice(ops))
        else:
            self.interrupt()
            self.emit(GET[index])
            self.constant(kind)
            self.op(self.random.choice(ops))
            self.op(self.random.choice(ops))

    def e_select(self, kind, depth):
        for _ in range(2):
            choice = self.random.random()
            if choice < 0.35:
                self.constant(kind)
            elif choice < 0.7:
                self.get(kind)
            else:
                self.expression(kind, depth - 1)
        self.interrupt()
        self.condition(depth - 1)
        self.emit(SELECT if self.chance(0.7) else b"\x1c\x01" + BYTE[kind])

    def e_load(self, kind, depth):
        opcode, _ = self.random.choice(LOADS[kind])
        offset = self.address(depth - 1)
        self.emit(coded(opcode) + b"\x00" + unsigned(offset))

    def e_global(self, kind, depth):
        if kind == I32 and self.chance(0.4):
            self.emit(self.random.choice(self.bases))
            if self.chance(0.6):
                self.constant(kind)
                self.op(ADD[kind])
            return
        self.emit(b"\x23" + unsigned(self.random.choice(self.globals_of(kind))))

    def e_block(self, kind, depth):
        """A block with a value, which branches inside bring too."""
        self.open(b"\x02", [], [kind])
        if self.chance(0.5):
            self.inner()
        for _ in range(self.random.choice([0, 1, 1, 2])):
            self.expression(kind, depth - 1)
            self.condition(depth - 2)
            self.emit(b"\x0d\x00")
            if self.chance(0.6):
                self.set(kind)
            else:
                self.emit(DROP)
            if self.chance(0.3):
                self.inner()
        self.expression(kind, depth - 1)
        self.close([kind])

    def e_if(self, kind, depth):
        self.condition(depth - 1)
        self.open(b"\x04", [], [kind])
        if self.chance(0.3):
            self.inner()
        self.expression(kind, depth - 1)
        self.finish([kind])
        self.emit(ELSE)
        self.stack = []
        if self.chance(0.3):
            self.inner()
        self.expression(kind, depth - 1)
        self.close([kind])

    def e_call(self, kind, depth):
        callees = [n for n in self.callees if self.module.functions[n].results == [kind]]
        if not callees or self.loops > 1:
            self.e_leaf(kind, 0)
            return
        self.call(self.random.choice(callees), depth - 1)

    def e_unary(self, kind, depth):
        self.expression(kind, depth - 1)
        self.op(self.random.choice(UNARY[kind]))

    def e_lane(self, kind, depth):
        if kind == I32 and self.chance(0.5):
            self.expression(V128, depth - 1)
            self.op(self.random.choice(VECTOR_TESTS))
            return
        opcode, lanes = self.random.choice(EXTRACTS[kind])
        self.expression(V128, depth - 1)
        self.emit(vector(opcode) + BYTE[self.random.randrange(lanes)])

    def e_vector(self, kind, depth):
        form = self.random.random()
        if form < 0.15:
            opcode, lane = self.random.choice(SPLATS)
            self.scalar_lane(lane, depth - 1)
            self.emit(vector(opcode))
        elif form < 0.3:
            self.expression(V128, depth - 1)
            if self.chance(0.5):
                self.constant(I32, self.random.choice([0, 1, 3, 7, 8, 9, 15, 16, 31, 32, 63, 64, 255]))
            else:
                self.expression(I32, depth - 1)
            self.op(self.random.choice(VECTOR_SHIFTS))
        elif form < 0.4:
            opcode, lane, lanes = self.random.choice(REPLACES)
            self.expression(V128, depth - 1)
            self.scalar_lane(lane, depth - 1)
            self.emit(vector(opcode) + BYTE[self.random.randrange(lanes)])
        elif form < 0.52:
            self.expression(V128, depth - 1)
            self.interrupt()
            self.expression(V128, depth - 1)
            self.emit(vector(0x0D) + self.lanes())
        elif form < 0.62:
            for _ in range(3):
                self.expression(V128, depth - 1)
            self.emit(vector(0x52))
        elif form < 0.7:
            offset = self.address(depth - 1)
            self.emit(self.random.choice(VECTOR_LOADS) + b"\x00" + unsigned(offset))
        elif form < 0.76:
            opcode, lanes = self.random.choice(LANE_ACCESSES)
            offset = self.address(depth - 1)
            self.expression(V128, depth - 1)
            self.emit(vector(opcode) + b"\x00" + unsigned(offset) + BYTE[self.random.randrange(lanes)])
        else:
            lanes = self.random.choice(FLOATS)
            self.expression(V128, depth - 1)
            if self.chance(0.7):
                self.expression(V128, depth - 1)
                self.op(self.random.choice(VECTOR_FLOATS[lanes]))
            else:
                # One that changes the width has results of the other.
                opcode = self.random.choice(VECTOR_FLOAT_UNARY[lanes])
                self.op(opcode)
                lanes = F32 if opcode == vector(0x5E) else F64 if opcode == vector(0x5F) else lanes
            self.emit(self.canonical_lanes(lanes))

    def scalar_lane(self, kind, depth):
        self.expression(kind, depth)
        if kind in FLOATS:
            self.emit(self.canonical(kind))

    def lanes(self):
        """Of a shuffle: any, or whole lanes of more than a byte."""
        size = self.random.choice([1, 1, 2, 4, 8])
        chosen = [self.random.randrange(32 // size) * size for _ in range(16 // size)]
        return bytes(first + n for first in chosen for n in range(size))

    def canonical_lanes(self, kind):
        """The same as canonical() for each lane of a vector."""
        if V128 not in self.scratch:
            self.scratch[V128] = self.new_local(V128)
        index = self.scratch[V128]
        return (TEE[index] + constant(V128, VECTOR_NAN[kind]) + GET[index] + GET[index] + VECTOR_EQUAL[kind] +
                vector(0x52) + TEE[index])  # the local is looked at in the end

    def e_copysign(self, kind, depth):
        self.expression(kind, depth - 1)
        self.expression(kind, depth - 1)
        self.emit(self.canonical(kind) + BYTE[COPYSIGN[kind]])

    def e_division(self, kind, depth):
        self.expression(kind, depth - 1)
        choice = self.random.random()
        if choice < 0.45:
            self.constant(kind, self.random.choice([1, 2, 3, 7, 10, 16, 255, 0x80000000, 0xFFFFFFFF]))
        else:
            self.expression(kind, depth - 1)
            if choice < 0.93:
                self.constant(kind, 1)
                self.op(OR[kind])
        self.op(self.random.choice(DIVISIONS[kind]))

    def e_compare(self, kind, depth):
        self.condition(depth)

    def e_convert(self, kind, depth):
        choice = self.random.random
        if kind == I32:
            form = choice()
            if form < 0.55:
                self.expression(I64, depth - 1)
                self.op(0xA7)
            elif form < 0.75:
                source = self.random.choice(FLOATS)
                self.expression(source, depth - 1)
                self.emit(b"\xfc" + BYTE[self.random.choice([0, 1] if source == F32 else [2, 3])])
            elif form < 0.8:
                source = self.random.choice(FLOATS)
                self.finite(source, 1)
                self.op(self.random.choice([0xA8, 0xA9] if source == F32 else [0xAA, 0xAB]))
            else:
                self.reinterpret(F32, depth)
        elif kind == I64:
            form = choice()
            if form < 0.6:
                self.expression(I32, depth - 1)
                self.op(self.random.choice([0xAC, 0xAD]))
            elif form < 0.75:
                source = self.random.choice(FLOATS)
                self.expression(source, depth - 1)
                self.emit(b"\xfc" + BYTE[self.random.choice([4, 5] if source == F32 else [6, 7])])
            elif form < 0.8:
                source = self.random.choice(FLOATS)
                self.finite(source, 1)
                self.op(self.random.choice([0xAE, 0xAF] if source == F32 else [0xB0, 0xB1]))
            else:
                self.reinterpret(F64, depth)
        else:
            source, opcode = self.random.choice(
                [(I32, 0xB2), (I32, 0xB3), (I64, 0xB4), (I64, 0xB5), (F64, 0xB6), (I32, 0xBE)] if kind == F32 else
                [(I32, 0xB7), (I32, 0xB8), (I64, 0xB9), (I64, 0xBA), (F32, 0xBB), (I64, 0xBF)])
            self.expression(source, depth - 1)
            self.op(opcode)

    def reinterpret(self, kind, depth):
        if self.chance(0.5):
            self.clean(kind, depth - 1)
            self.emit(REINTERPRET[kind])
        else:
            self.expression(kind, depth - 1)
            self.emit(self.canonical(kind) + REINTERPRET[kind])

    def e_clean(self, kind, depth):
        self.clean(kind, depth)

    def clean(self, kind, depth):
        """A float whose bits are the same in all engines."""
        form = self.random.random()
        if depth <= 0 or self.full():
            form /= 3
        if form < 0.15:
            self.constant(kind)
        elif form < 0.3 and self.clean_locals[kind]:
            self.emit(GET[self.clean_locals[kind][0]])
        elif form < 0.5:
            self.e_load(kind, depth)
        elif form < 0.6:
            self.clean(kind, depth - 1)
            self.op(self.random.choice([0x8B, 0x8C] if kind == F32 else [0x99, 0x9A]))
        elif form < 0.65:
            self.clean(kind, depth - 1)
            self.clean(kind, depth - 1)
            self.op(COPYSIGN[kind])
        elif form < 0.7 and self.clean_locals[kind]:
            self.clean(kind, depth - 1)
            self.emit(TEE[self.clean_locals[kind][0]])
        elif form < 0.76:
            self.expression(I32 if kind == F32 else I64, depth - 1)
            self.op(0xBE if kind == F32 else 0xBF)
        elif form < 0.82:
            self.clean(kind, depth - 1)
            self.clean(kind, depth - 1)
            self.condition(depth - 1)
            self.emit(SELECT)
        else:
            self.finite(kind, depth)

    def finite(self, kind, depth):
        if depth > 0 and self.chance(0.5):
            self.finite(kind, depth - 1)
            self.finite(kind, depth - 1)
            self.op(self.random.choice([0x92, 0x93, 0x94] if kind == F32 else [0xA0, 0xA1, 0xA2]))
        elif self.chance(0.6):
            self.get(I32)
            self.constant(I32, self.random.choice([0xFF, 0x7FFF]))
            self.op(AND[I32])
            self.op(self.random.choice([0xB2, 0xB3] if kind == F32 else [0xB7, 0xB8]))
        else:
            self.constant(kind, self.random.choice(FINITE[kind]))

    def e_pending(self, kind, depth):
        """Values that stay on the stack while the locals that they came from change."""
        if depth < 2:
            self.e_leaf(kind, 0)
            return
        count = self.random.choice([1, 2, 2, 3])
        for _ in range(count):
            self.held_value(kind, depth - 1)
        self.disturb(depth - 1)
        for _ in range(self.random.choice([0, 0, 1])):
            self.get(kind)
            count += 1
        for _ in range(count - 1):
            self.op(self.random.choice(ARITHMETIC[kind]))

    def held_value(self, kind, depth):
        form = self.random.random()
        if form < 0.45:
            self.get(kind)
        elif form < 0.6 and kind in (I32, I64):
            if kind == I32 and self.chance(0.2):
                self.emit(self.random.choice(self.bases))
            else:
                self.get(kind)
            self.constant(kind)
            self.op(ADD[kind])
        elif form < 0.7:
            self.constant(kind)
        else:
            self.expression(kind, depth)

    def disturb(self, depth):
        self.interrupting += 1
        for _ in range(self.random.choice([1, 1, 2, 3])):
            if self.full():
                break
            form = self.random.random()
            if form < 0.4:
                self.s_set(depth)
            elif form < 0.5:
                self.s_count()
            elif form < 0.58:
                self.s_tee(depth)
            elif form < 0.66:
                self.s_copies()
            elif form < 0.70:
                self.s_constant()
            elif form < 0.76:
                self.s_store(depth)
            elif form < 0.80:
                self.s_transfer(depth)
            elif form < 0.84:
                self.s_compare_count()
            elif form < 0.88:
                self.s_br_if(depth)
            elif self.interrupting <= 2 and self.nesting() < 5:
                self.random.choice([self.s_block, self.s_if, self.s_loop, self.s_call, self.s_label])()
        self.interrupting -= 1

    def interrupt(self):
        """Sometimes a statement between two operands."""
        if self.interrupting < 2 and not self.full() and self.chance(0.13):
            self.disturb(1)

    def condition(self, depth):
        """An i32 for a branch or a select."""
        form = self.random.random()
        if form < 0.5:
            kind = self.random.choice(self.kinds)
            choice = self.random.random()
            if choice < 0.3:
                self.get(kind)
                self.constant(kind)
            elif choice < 0.4:
                self.constant(kind)
                self.expression(kind, depth - 1)
            elif choice < 0.55:
                self.expression(kind, depth - 1)
                self.constant(kind)
            elif choice < 0.7:
                self.get(kind)
                self.interrupt()
                self.get(kind)
            else:
                self.expression(kind, depth - 1)
                self.interrupt()
                self.expression(kind, depth - 1)
            self.op(self.random.choice(COMPARES[kind]))
            while self.chance(0.2):
                self.op(EQZ[I32])
        elif form < 0.62:
            kind = self.random.choice([I32, I32, I64])
            self.expression(kind, depth - 1)
            self.op(EQZ[kind])
            while self.chance(0.15):
                self.op(EQZ[I32])
        elif form < 0.78:
            kind = self.random.choice([I32, I32, I64])
            self.expression(kind, depth - 1)
            self.constant(kind, self.random.choice([1, 1, 2, 3, 4, 7, 128, 255]))
            self.op(AND[kind])
            if kind == I64 or self.chance(0.5):
                self.op(EQZ[kind])
        elif form < 0.9:
            self.get(I32)
        else:
            self.expression(I32, depth - 1)

    # --- Addresses

    def address(self, depth):
        """Leaves an address; the offset to use with it is returned."""
        form = self.random.random()
        offset = self.random.choice([0, 0, 0, 0, 4, 8, 12, 1, 3, 16, 100, 1000])
        pointer = GET[self.random.choice(self.pointers)] if self.chance(0.85) else self.random.choice(self.bases)
        index = GET[self.indices[0]]
        shift = constant(I32, self.random.choice([0, 1, 2, 3, 3, 4]))
        if form < 0.26:
            self.emit(pointer)
        elif form < 0.40:
            self.emit(pointer)
            self.constant(I32, self.random.choice([4, 8, 16, 1, 7, 0, -8, 40000]))
            self.op(ADD[I32])
            while self.chance(0.15):
                self.constant(I32, self.random.choice([4, -4, 8, 1]))
                self.op(ADD[I32])
        elif form < 0.48:
            pieces = [pointer, index]
            self.random.shuffle(pieces)
            self.emit(pieces[0])
            self.interrupt()
            self.emit(pieces[1])
            self.op(ADD[I32])
        elif form < 0.60:
            self.emit(pointer)
            self.interrupt()
            self.emit(index)
            self.emit(shift)
            self.op(SHL[I32])
            self.op(ADD[I32])
        elif form < 0.65:
            self.emit(index)
            self.emit(shift)
            self.op(SHL[I32])
            self.interrupt()
            self.emit(pointer)
            self.op(ADD[I32])
        elif form < 0.72:
            self.constant(I32, self.random.choice([0, 8, 16, 64, 200, 1000, EPILOGUE]))
        elif form < 0.80:
            self.expression(I32, depth)
            self.constant(I32, self.random.choice([0x7, 0xF8, 0x3FF]))
            self.op(AND[I32])
        elif form < 0.85:
            # A sum with what was computed just now.
            first = self.chance(0.5)
            if first:
                self.emit(pointer)
            self.expression(I32, depth)
            self.constant(I32, self.random.choice([0x7, 0xF8]))
            self.op(AND[I32])
            if self.chance(0.3):
                self.emit(shift)
                self.op(SHL[I32])
            if not first:
                self.emit(pointer)
            self.op(ADD[I32])
        elif form < 0.89:
            which = self.random.choice(self.pointers)
            self.emit(GET[which])
            self.constant(I32, self.random.choice([4, 8, 1, -8]))
            self.op(ADD[I32])
            self.emit(TEE[which])
            self.touch(I32, which)
        elif form < 0.93:
            which = self.random.choice(self.pointers)
            self.expression(I32, depth)
            self.constant(I32, 0x1F8)
            self.op(AND[I32])
            self.emit(TEE[which])
            self.touch(I32, which)
        elif form < 0.97:
            self.emit(pointer)
            offset = self.random.choice([40000, 60000, 0xF000])
        elif form < 0.985:
            # About the end.
            self.constant(I32, PAGE - self.random.randint(0, 12))
            offset = self.random.choice([0, 0, 0, 1, 2, 4, 8])
        elif form < 0.993:
            self.get(I32)
        else:
            self.emit(pointer)
            offset = self.random.choice([0xFFFFFFFF, 0xFFFFFFF8, 0x80000000, 0x7FFFFFFF])
        return offset

    def globals_of(self, kind):
        return [n for n, (k, _) in enumerate(self.module.globals) if k == kind and n not in self.module.bases]

    # --- Statements

    def nesting(self):
        return len(self.labels)

    def statement(self):
        if not self.full():
            self.draw(self.statements)()

    def inner(self):
        """A statement that leaves nothing on the stack."""
        self.interrupting += 1
        self.statement()
        self.interrupting -= 1

    def some_kind(self):
        return self.random.choice(self.kinds)

    def s_nop(self):
        self.emit(b"\x01")

    def s_set(self, depth=3):
        if self.chance(0.07):
            kind = self.random.choice(FLOATS)
            if self.clean_locals[kind]:
                self.clean(kind, depth)
                self.emit(SET[self.clean_locals[kind][0]])
                return
        kind = self.some_kind()
        self.expression(kind, self.random.randint(1, depth) if depth > 1 else 1)
        self.set(kind)

    def s_tee(self, depth=3):
        kind = self.some_kind()
        first, second = self.pick_to_set(kind), self.pick_to_set(kind)
        if first is None:
            return
        self.expression(kind, depth - 1)
        self.emit(TEE[first])
        self.touch(kind, first)
        form = self.random.random()
        if form < 0.2:
            self.emit(DROP)
        elif form < 0.6:
            self.emit(SET[second])
            self.touch(kind, second)
        else:
            if self.chance(0.5):
                self.get(kind)
            else:
                self.constant(kind)
            self.op(self.random.choice(ARITHMETIC[kind]))
            self.emit(SET[second])
            self.touch(kind, second)

    def s_count(self):
        """Increments, one or more in a row."""
        for _ in range(self.random.choice([1, 1, 2, 2, 3])):
            kind = self.random.choice([I32, I32, I32, I64])
            index = self.pick_to_set(kind)
            if index is None:
                continue
            source = index if self.chance(0.8) else self.pick(kind)
            if self.chance(0.9):
                self.emit(GET[source])
                self.constant(kind, self.random.choice([1, 1, -1, 4, 8, -4, 32767, 32768, -32768, -32769, 65536, None]))
            else:
                self.constant(kind, self.random.choice([1, -1, 4]))
                self.emit(GET[source])
            self.op((ADD if self.chance(0.85) else SUB)[kind])
            if self.chance(0.15):
                self.emit(TEE[index])
                self.set(kind)
            else:
                self.emit(SET[index])
            self.touch(kind, index)

    def s_compare_count(self):
        """A counter's step and a compare, in some order, and what depends on the compare."""
        kind = self.random.choice([I32, I32, I32, I64])
        counter = self.pick_to_set(kind)
        flag = self.pick_to_set(I32)
        if counter is None or flag is None:
            return
        step = self.random.choice([1, 1, -1, 4, -8, 32767, 32768, -32769])

        def compare():
            if self.chance(0.85):
                self.emit(GET[counter])
                self.limit_value(kind)
            else:
                self.limit_value(kind)
                self.emit(GET[counter])
            self.op(self.random.choice(COMPARES[kind]))
            if self.chance(0.15):
                self.op(EQZ[I32])

        def count(tee=False):
            self.emit(GET[counter])
            self.constant(kind, step)
            self.op(ADD[kind])
            self.emit((TEE if tee else SET)[counter])

        form = self.random.randrange(7)
        if form == 0:
            compare()
            count()
        elif form == 1:
            compare()
            self.emit(SET[flag])
            count()
            self.emit(GET[flag])
        elif form == 2:
            count()
            compare()
        elif form == 3:
            count(tee=True)
            self.limit_value(kind)
            self.op(self.random.choice(COMPARES[kind]))
        elif form == 4:
            compare()
            self.emit(TEE[flag])
            count()
        elif form == 5:
            count()
            self.s_count()
            compare()
        else:
            count(tee=True)
            if kind == I64:
                self.op(EQZ[I64])
        self.touch(kind, counter)
        self.use_condition()

    def limit_value(self, kind):
        if self.chance(0.5):
            self.constant(kind)
        else:
            self.get(kind)

    def use_condition(self):
        """Takes an i32."""
        form = self.random.random()
        targets = self.targets(lambda types: not types)
        if form < 0.45 and targets:
            self.emit(b"\x0d" + unsigned(self.random.choice(targets)))
        elif form < 0.7 and self.nesting() < 5:
            self.open(b"\x04", [], [])
            self.body(1)
            self.close([])
        elif form < 0.85:
            self.set(I32)
        else:
            kind = self.some_kind()
            saved = self.pick_to_set(I32)
            if saved is None:
                self.emit(DROP)
                return
            self.emit(SET[saved])
            self.get(kind)
            self.constant(kind)
            self.emit(GET[saved])
            self.emit(SELECT)
            self.set(kind)

    def store_value(self, kind, depth, offset, opcode):
        store = coded(opcode) + b"\x00" + unsigned(offset)
        if kind in FLOATS:
            if self.chance(0.6):
                self.clean(kind, depth)
                self.emit(store)
            else:
                self.expression(kind, depth)
                self.emit(self.canonical(kind) + store)
            return
        form = self.random.random()
        if form < 0.25:
            self.get(kind)
        elif form < 0.4:
            self.constant(kind)
        elif form < 0.5:
            self.get(kind)
            self.constant(kind)
            self.op(ADD[kind])
        else:
            self.expression(kind, depth)
        self.emit(store)

    def s_store(self, depth=3):
        kind = self.random.choice(ALL) if self.chance(0.3) else self.some_kind()
        opcode, _ = self.random.choice(STORES[kind])
        if kind == V128 and self.chance(0.3):
            lane_store, lanes = self.random.choice(LANE_ACCESSES)
            offset = self.address(depth - 1)
            self.expression(kind, depth - 1)
            self.emit(vector(lane_store + 4) + b"\x00" + unsigned(offset) + BYTE[self.random.randrange(lanes)])
            return
        if self.chance(0.2):
            # A local that is set, then stored: its value may still be at hand when the address is known.
            index = (self.clean_locals[kind] or [None])[0] if kind in FLOATS else self.pick_to_set(kind)
            if index is not None:
                (self.clean if kind in FLOATS else self.expression)(kind, depth - 1)
                self.emit(SET[index])
                offset = self.address(depth - 1)
                self.emit(GET[index])
                self.emit(coded(opcode) + b"\x00" + unsigned(offset))
                return
        offset = self.address(depth - 1)
        self.interrupt()
        self.store_value(kind, depth - 1, offset, opcode)

    def s_transfer(self, depth=2):
        """A load and its store, of the same or of another width, at addresses that may overlap."""
        kind = self.random.choice(ALL)
        to = self.address(depth - 1)
        self.interrupt()
        if self.chance(0.2) and self.code[-1][:1] == b"\x20":
            self.emit(self.code[-1])  # the same local: the same or an overlapping address
            start = min(self.random.choice([to, to + 1, to + 4, max(0, to - 2)]), 0xFFFFFFFF)
        else:
            start = self.address(depth - 1)
        load, width = self.random.choice(LOADS[kind])
        self.emit(coded(load) + b"\x00" + unsigned(start))
        same = [store for store, w in STORES[kind] if w == width]
        form = self.random.random()
        if form < 0.1 and self.pick_to_set(kind) is not None and kind not in FLOATS:
            index = self.pick_to_set(kind)
            self.emit(TEE[index])
            self.touch(kind, index)
        elif form < 0.15:
            self.interrupt()
        elif form < 0.2 and kind not in FLOATS:
            self.constant(kind)
            self.op(self.random.choice(ARITHMETIC[kind]))
        store = self.random.choice(same) if self.chance(0.8) else self.random.choice(STORES[kind])[0]
        self.emit(coded(store) + b"\x00" + unsigned(to))
        if self.chance(0.2):
            self.s_transfer_again(kind, load, store)

    def s_transfer_again(self, kind, load, store):
        """The next one, as copies of structures have it."""
        pointer = GET[self.random.choice(self.pointers)]
        other = GET[self.random.choice(self.pointers)] if self.chance(0.85) else self.random.choice(self.bases)
        for n in range(self.random.choice([1, 2])):
            offset = unsigned(8 * (n + 1))
            self.emit(other)
            self.emit(pointer)
            self.emit(coded(load) + b"\x00" + offset)
            self.emit(coded(store) + b"\x00" + offset)

    def s_global(self):
        kind = self.some_kind()
        index = self.random.choice(self.globals_of(kind))
        self.expression(kind, 2)
        self.emit((self.canonical(kind) if kind in FLOATS else b"") + b"\x24" + unsigned(index))

    def s_call(self):
        if not self.callees or self.loops > 1:
            return
        callee = self.random.choice(self.callees)
        # Arguments that are on the stack already are used.
        parameters = self.module.functions[callee].parameters
        have = 0
        if self.interrupting == 0:
            for count in range(min(len(parameters), len(self.stack)), 0, -1):
                if self.stack[-count:] == parameters[:count]:
                    have = count
                    break
        if have:
            del self.stack[-have:]
        self.call(callee, 2, have)
        self.results(self.module.functions[callee].results)

    def results(self, kinds):
        """What is done with values that were made just now."""
        if self.interrupting == 0 and self.chance(0.4) and len(self.stack) + len(kinds) < 8:
            self.stack += kinds
            return
        for kind in reversed(kinds):
            if self.chance(0.8):
                self.set(kind)
            else:
                self.emit(DROP)

    def call(self, callee, depth, have=0):
        function = self.module.functions[callee]
        for kind in function.parameters[have:]:
            self.expression(kind, depth - 1)
        self.function.calls.add(callee)
        if callee in self.module.table and self.chance(0.5):
            place = self.module.table.index(callee)
            # Every function stands in the table twice.
            choice = self.random.random()
            if choice < 0.5:
                self.constant(I32, place)
            elif choice < 0.93:
                self.expression(I32, depth - 1)
                self.constant(I32, 1)
                self.op(AND[I32])
                self.constant(I32, place)
                self.op(ADD[I32])
            else:
                self.get(I32)
                self.constant(I32, TABLE * 2 - 1)
                self.op(AND[I32])
            self.emit(b"\x11" + unsigned(self.module.type_index(function.parameters, function.results)) + b"\x00")
        else:
            self.emit(b"\x10" + unsigned(callee))

    def s_bulk(self):
        form = self.random.random()
        if form < 0.4:
            for _ in range(2):
                self.emit(GET[self.random.choice(self.pointers)])
                if self.chance(0.3):
                    self.constant(I32, self.random.choice([4, 1, 16]))
                    self.op(ADD[I32])
            self.count_of_bytes()
            self.emit(b"\xfc\x0a\x00\x00")
        elif form < 0.8:
            self.emit(GET[self.random.choice(self.pointers)] if self.chance(0.8) else self.random.choice(self.bases))
            self.expression(I32, 1)
            self.count_of_bytes()
            self.emit(b"\xfc\x0b\x00")
        elif form < 0.9:
            self.emit(b"\x3f\x00")
            self.set(I32)
        else:
            if self.chance(0.8):
                self.constant(I32, self.random.choice([0, 1, 1, MAXIMUM_PAGES + 1, -1]))
            else:
                self.get(I32)
            self.emit(b"\x40\x00")
            self.set(I32)

    def count_of_bytes(self):
        if self.chance(0.9):
            self.constant(I32, self.random.choice([0, 1, 3, 8, 17, 64]))
        else:
            self.get(I32)

    def s_copies(self):
        """Locals copied one after the other, also in circles."""
        kind = self.some_kind()
        if self.chance(0.4):
            count = self.random.choice([2, 2, 3])
            for _ in range(count):
                self.get(kind)
            for _ in range(count):
                self.set(kind)
            return
        for _ in range(self.random.choice([1, 2, 2, 3])):
            if self.chance(0.3):
                kind = self.some_kind()
            self.get(kind)
            self.set(kind)

    def s_constant(self):
        small = self.chance(0.5)
        for _ in range(self.random.choice([1, 1, 2, 2, 3, 4])):
            kind = self.some_kind()
            self.constant(kind, self.random.choice([0, 1, -1, 5, 100, 0x7FFF, -0x8000, 0x8000]) if small else None)
            if self.chance(0.2) and self.pick_to_set(kind) is not None:
                self.emit(TEE[self.pick_to_set(kind)])
            self.set(kind)

    def s_drop(self):
        self.expression(self.some_kind(), 2)
        self.emit(DROP)

    def s_pointer(self):
        which = self.random.choice(self.pointers)
        form = self.random.random()
        if form < 0.3:
            self.expression(I32, 2)
            self.constant(I32, 0x1F8)
            self.op(AND[I32])
        elif form < 0.6:
            self.emit(GET[self.random.choice(self.pointers)])
            self.constant(I32, self.random.choice([4, 8, 16, 64]))
            self.op(ADD[I32])
        elif form < 0.7:
            self.constant(I32, self.random.choice([0, 8, 64, 256]))
        else:
            which = self.indices[0]
            self.expression(I32, 2)
            self.constant(I32, 15)
            self.op(AND[I32])
        self.emit((TEE if self.chance(0.15) else SET)[which])
        if self.code[-1] == TEE[which]:
            self.set(I32)
        self.touch(I32, which)

    def s_label(self):
        """A local set right before a label and used right behind it."""
        kind = self.some_kind()
        index = self.pick_to_set(kind)
        if index is None or self.nesting() > 5:
            return

        def assign():
            form = self.random.random()
            if form < 0.3:
                self.get(kind)
                self.constant(kind)
                self.op(self.random.choice(ARITHMETIC[kind]))
            elif form < 0.8:
                self.expression(kind, 2)
            else:
                self.emit(GET[index])
            self.emit(SET[index])
            if self.chance(0.2):
                self.get(kind)
                self.set(kind)
            self.touch(kind, index)

        def use():
            self.emit(GET[index])
            self.constant(kind)
            self.op(self.random.choice(ARITHMETIC[kind]))
            self.set(kind)

        assign()
        form = self.random.randrange(4)
        if form == 0:
            self.open(b"\x02", [], [])
            use()
            self.condition(1)
            self.emit(b"\x0d\x00")
            assign()
            self.close([])
            use()
        elif form == 1:
            self.condition(1)
            self.open(b"\x04", [], [])
            if self.chance(0.5):
                use()
            assign()
            if self.chance(0.5):
                self.finish([])
                self.emit(ELSE)
                self.stack = []
                if self.chance(0.5):
                    use()
                assign()
            self.close([])
            use()
        elif form == 2:
            self.open(b"\x03", [], [], None)
            use()
            self.close([])
        else:
            self.open(b"\x02", [], [])
            assign()
            self.close([])
            use()

    def s_pending(self):
        """Values left on the stack while locals change, then taken."""
        kinds = []
        kind = self.some_kind()
        for _ in range(self.random.choice([1, 2, 2, 3, 4])):
            if self.chance(0.25):
                kind = self.some_kind()
            self.held_value(kind, 2)
            kinds.append(kind)
        if self.chance(0.2) and self.nesting() < 5:
            # In a block that has them as parameters.
            self.stack += kinds
            self.open(b"\x02", kinds, [])
            self.disturb(2)
            self.arrange([])
            self.close([])
            return
        self.disturb(2)
        if self.interrupting == 0 and self.chance(0.25) and len(self.stack) + len(kinds) < 8:
            self.stack += kinds
            return
        while kinds:
            kind = kinds.pop()
            if kinds and kinds[-1] == kind and self.chance(0.6):
                if self.chance(0.15):
                    self.interrupt()
                self.op(self.random.choice(ARITHMETIC[kind]))
                continue
            self.take(kind)

    def s_push(self):
        if self.interrupting == 0 and len(self.stack) < 7:
            kind = self.some_kind()
            self.held_value(kind, 2)
            self.stack.append(kind)

    def s_take(self):
        if self.interrupting == 0 and self.stack:
            kind = self.stack.pop()
            if self.stack and self.stack[-1] == kind and self.chance(0.6):
                self.op(self.random.choice(ARITHMETIC[kind]))
            elif len(self.stack) > 1 and kind == I32 and self.stack[-1] == self.stack[-2] and self.chance(0.5):
                self.emit(SELECT)
                self.stack.pop()
            else:
                self.take(kind)

    def take(self, kind):
        """Takes the value on top, below which there may be others."""
        form = self.random.random()
        if form < 0.5:
            self.set(kind)
        elif form < 0.65:
            self.get(kind)
            self.op(self.random.choice(ARITHMETIC[kind]))
            self.set(kind)
        elif form < 0.75:
            self.constant(kind)
            self.op(self.random.choice(ARITHMETIC[kind]))
            self.set(kind)
        elif form < 0.85 and kind == I32:
            self.use_condition()
        elif form < 0.92 and kind == I32:
            # As an address.
            self.constant(I32, 0xF8)
            self.op(AND[I32])
            kind = self.random.choice([I32, I64])
            opcode, _ = self.random.choice(STORES[kind])
            self.store_value(kind, 1, self.random.choice([0, 8, 1]), opcode)
        elif form < 0.96:
            index = self.pick_to_set(kind)
            if index is not None:
                self.emit(TEE[index])
                self.touch(kind, index)
            self.set(kind)
        else:
            self.emit(DROP)

    # --- Control

    def open(self, opcode, parameters, results, types=()):
        """Begins a block with the top values as parameters. `types`: what branches to it take, if not its results."""
        self.emit(opcode + self.block_type(parameters, results))
        if parameters:
            del self.stack[-len(parameters):]
        self.labels.append((Label(list(results) if types == () else types), self.stack))
        self.stack = list(parameters)

    def close(self, results):
        self.finish(results)
        self.emit(END)
        _, self.stack = self.labels.pop()

    def finish(self, results):
        assert not self.stack, (self.stack, results)

    def targets(self, fits):
        return [len(self.labels) - 1 - n for n, (label, _) in enumerate(self.labels)
                if label.types is not None and fits(label.types)]

    def body(self, count):
        for _ in range(count):
            if self.full():
                break
            self.statement()
        self.arrange([])

    def arrange(self, results):
        """Makes the block's stack what its end wants."""
        while self.stack and (len(self.stack) > len(results) or self.stack != list(results)[:len(self.stack)]):
            kind = self.stack.pop()
            saved, self.interrupting = self.interrupting, self.interrupting + 1
            self.take(kind)
            self.interrupting = saved
        for kind in list(results)[len(self.stack):]:
            self.expression(kind, 2)
            self.stack.append(kind)

    def leave(self):
        """Ends a block's code early. What follows is not reached."""
        form = self.random.random()
        if form < 0.06:
            self.emit(b"\x00")
        elif form < 0.2:
            callees = [n for n in self.callees if self.module.functions[n].results == self.function.results]
            if callees and self.loops == 0:
                callee = self.random.choice(callees)
                function = self.module.functions[callee]
                for kind in function.parameters:
                    self.expression(kind, 1)
                self.function.calls.add(callee)
                if callee in self.module.table and self.chance(0.5):
                    self.constant(I32, self.module.table.index(callee))
                    self.emit(b"\x13" + unsigned(self.module.type_index(function.parameters, function.results)) + b"\x00")
                else:
                    self.emit(b"\x12" + unsigned(callee))
            else:
                self.emit(b"\x01")
                return False
        elif form < 0.5:
            self.values_for(self.function.results)
            self.emit(RETURN)
        elif form < 0.8:
            targets = self.targets(lambda types: True)
            depth = self.random.choice(targets)
            self.values_for(self.labels[len(self.labels) - 1 - depth][0].types)
            self.emit(b"\x0c" + unsigned(depth))
        else:
            self.br_table()
        self.stack = []
        if self.chance(0.15):
            self.get(I32)
            self.set(I32)
        return True

    def values_for(self, types):
        """Values of a branch on the stack. Those there may be it, or stay below."""
        types = list(types)
        if types and self.stack[-len(types):] == types and self.chance(0.7):
            return
        if self.chance(0.3):
            self.s_copies()
        for kind in types:
            self.expression(kind, self.random.choice([0, 1, 2]))

    def br_table(self):
        targets = self.targets(lambda types: True)
        types = self.labels[len(self.labels) - 1 - self.random.choice(targets)][0].types
        targets = self.targets(lambda other: other == types)
        self.values_for(types)
        if self.chance(0.6):
            self.get(I32)
            self.constant(I32, 3)
            self.op(AND[I32])
        else:
            self.expression(I32, 2)
        depths = [self.random.choice(targets) for _ in range(self.random.randint(1, 5))]
        self.emit(b"\x0e" + unsigned(len(depths) - 1) + b"".join(map(unsigned, depths)))

    def block_end(self, results):
        """The rest of a block: what it leaves, or a jump away."""
        if self.chance(0.12) and not self.full() and self.leave():
            return
        self.arrange(results)

    def signature(self):
        """Parameters of a block, from the stack, and its results."""
        count = self.random.choice([0, 0, 1, 2]) if self.interrupting == 0 else 0
        parameters = self.stack[-count:] if count and count <= len(self.stack) else []
        results = [self.some_kind() for _ in range(self.random.choice([0, 0, 1, 1, 2]))]
        return parameters, results

    def isolated(self, statements):
        """Statements of a block inside; they have a stack of their own."""
        saved, self.interrupting = self.interrupting, 0 if self.interrupting < 2 else self.interrupting
        for _ in range(statements):
            if self.full():
                break
            self.statement()
        self.interrupting = saved

    def s_block(self):
        if self.nesting() > 5:
            return
        parameters, results = self.signature()
        self.open(b"\x02", parameters, results)
        self.isolated(self.random.choice([0, 1, 2, 3]))
        if self.chance(0.5):
            self.br_if(len(self.labels) - 1, 2)
        self.isolated(self.random.choice([0, 1]))
        self.block_end(results)
        self.end_block(results)

    def end_block(self, results):
        self.emit(END)
        _, self.stack = self.labels.pop()
        self.results(results)

    def s_if(self):
        if self.nesting() > 5:
            return
        parameters, results = self.signature()
        if self.chance(0.3):
            results = list(parameters)
        self.condition(2)
        self.open(b"\x04", parameters, results)
        self.isolated(self.random.choice([0, 1, 2]))
        self.block_end(results)
        if parameters != results or self.chance(0.5):
            self.emit(ELSE)
            self.stack = list(parameters)
            self.isolated(self.random.choice([0, 1, 2]))
            self.block_end(results)
        self.end_block(results)

    def s_br_if(self, depth=2):
        targets = self.targets(lambda types: True)
        if targets:
            self.br_if(len(self.labels) - 1 - self.random.choice(targets), depth)

    def br_if(self, place, depth):
        types = self.labels[place][0].types
        if types is None:
            return
        own = False
        if types and self.interrupting == 0 and self.stack[-len(types):] == types and self.chance(0.7):
            own = True
        else:
            for kind in types:
                self.expression(kind, depth)
        if self.chance(0.15):
            self.interrupting += 1
            self.interrupt()
            self.interrupting -= 1
        self.condition(depth)
        self.emit(b"\x0d" + unsigned(len(self.labels) - 1 - place))
        if not own:
            for kind in reversed(types):
                if self.chance(0.75):
                    self.set(kind)
                else:
                    self.emit(DROP)

    def s_switch(self):
        """br_table out of nested blocks."""
        if self.nesting() > 3:
            return
        count = self.random.randint(1, 3)
        results = [self.some_kind() for _ in range(self.random.choice([0, 0, 1, 2]))]
        for _ in range(count):
            self.open(b"\x02", [], results)
        for kind in results:
            self.held_value(kind, 2)
        self.condition(1) if self.chance(0.2) else self.e_mask(I32, 2)
        depths = [self.random.randrange(count) for _ in range(self.random.randint(1, 5))]
        self.emit(b"\x0e" + unsigned(len(depths) - 1) + b"".join(map(unsigned, depths)))
        for n in range(count):
            self.stack = []
            self.emit(END)
            _, self.stack = self.labels.pop()
            if n < count - 1:
                self.stack = list(results)
                self.isolated(self.random.choice([0, 1]))
                self.arrange(results)
        self.results(results)

    def s_loop(self):
        """A loop that is counted: its counter is changed by nothing else."""
        if self.nesting() > 4 or self.loops > 2 or len(self.types) > 60:
            return
        random_source = self.random
        kind = random_source.choice([I32, I32, I32, I32, I64])
        counter = self.new_local(kind)
        trips = random_source.randint(1, 5)
        step = random_source.choice([1, 1, 1, 1, -1, -1, 2, 4, 8, -4, 32767, 32768, -32768, -32769, 100000])
        start = random_source.choice([0, 0, 0, 1, 5, trips * abs(step)])
        stop = start + step * trips
        limit = None
        if random_source.random() < 0.4:
            limit = self.new_local(kind)
        flag = self.new_local(I32) if self.chance(0.3) else None
        parameters, results = [], []
        if self.interrupting == 0 and self.chance(0.3):
            parameters = self.stack[-random_source.randint(1, 2):]
            results = list(parameters) if self.chance(0.7) else [self.some_kind()]
        around = not parameters and self.chance(0.4)
        if start == 0 and self.chance(0.3) and self.loops == 0:
            pass  # as it is at the function's beginning
        else:
            self.constant(kind, start)
            self.emit(SET[counter])
        if limit is not None:
            self.constant(kind, stop)
            self.emit(SET[limit])
        if around:
            self.open(b"\x02", [], results)
        self.open(b"\x03", parameters, results, None)
        self.loops += 1
        self.readable[kind].append(counter)
        self.touch(kind, counter)
        if self.interrupting == 0 or self.chance(0.5):
            self.isolated(random_source.choice([0, 1, 1, 2, 3]))
        else:
            self.inner()
        self.arrange(parameters)
        self.loop_end(kind, counter, step, stop, limit, flag)
        self.arrange(results)
        self.loops -= 1
        self.emit(END)
        _, self.stack = self.labels.pop()
        if around:
            self.stack = list(results)
            self.block_end(results)
            self.emit(END)
            _, self.stack = self.labels.pop()
        self.results(results)

    def loop_end(self, kind, counter, step, stop, limit, flag):
        add = [constant(kind, step & ((1 << 8 * SIZE[kind]) - 1)), BYTE[ADD[kind]]]
        if self.chance(0.1):
            add = [constant(kind, -step & ((1 << 8 * SIZE[kind]) - 1)), BYTE[SUB[kind]]]

        def compare(value, behind):
            """Whether the counter, on the stack or to be got, is not at its end; one step earlier if not `behind`."""
            bits = (stop if behind else stop - step) & ((1 << 8 * SIZE[kind]) - 1)
            bound = [GET[limit]] if limit is not None and behind else [constant(kind, bits)]
            base = 0x46 if kind == I32 else 0x51
            # ne, lt_s, gt_s; the same with operands the other way round; their opposites
            upwards = step > 0
            choice = self.random.random()
            if choice < 0.4:
                opcode = swapped = 1
                opposite = 0
            elif choice < 0.9 or not upwards or stop - step < 0:
                opcode, swapped, opposite = (2, 4, 8) if upwards else (4, 2, 6)
            else:
                opcode, swapped, opposite = (3, 5, 9)
            if value is not None and self.chance(0.15):
                return bound + [value, BYTE[base + swapped]]
            first = [value] if value is not None else []
            if self.chance(0.12):
                return first + bound + [BYTE[base + opposite], BYTE[0x45]]
            return first + bound + [BYTE[base + opcode]]

        count = [GET[counter], *add, SET[counter]]
        tee = [GET[counter], *add, TEE[counter]]
        branch = [b"\x0d\x00"]
        form = self.random.random()

        def put(pieces):
            for piece in pieces:
                self.emit(piece)

        self.interrupting += 2  # nothing that could branch, or change the order
        if form < 0.25:
            put(count + compare(GET[counter], True) + branch)
        elif form < 0.45:
            put(tee + compare(None, True) + branch)
        elif form < 0.55:
            put(compare(GET[counter], False) + count + branch)
        elif form < 0.65 and flag is not None:
            put(compare(GET[counter], False) + [SET[flag]] + count + [GET[flag]] + branch)
        elif form < 0.72 and flag is not None:
            put(compare(GET[counter], False) + [TEE[flag]] + count + branch)
        elif form < 0.78:
            put(count)
            self.s_count()
            put(compare(GET[counter], True) + branch)
        elif form < 0.84:
            self.s_count()
            put(count + compare(GET[counter], True) + branch)
        elif form < 0.90:
            put(tee)
            self.s_count()
            put(compare(None, True) + branch)
        elif form < 0.95:
            put(count)
            self.s_set(2)
            put(compare(GET[counter], True) + branch)
        elif stop == 0 and kind == I32:
            put(tee + branch)
        else:
            put(tee + compare(None, True))
            self.get(I32)
            self.constant(I32, 1)
            self.op(OR[I32])
            put([BYTE[AND[I32]]] + branch)
        self.interrupting -= 2

    def s_fuelled_loop(self):
        """A loop that any code inside may begin again; it is left when the function's fuel is gone."""
        if self.nesting() > 3 or self.loops > 2:
            return
        if self.fuel is None:
            self.fuel = self.new_local(I32)
            self.fuel_form = self.random.randrange(2)
        fuel = self.fuel
        parameters = []
        if self.interrupting == 0 and self.chance(0.4):
            parameters = self.stack[-self.random.randint(1, 2):]
        self.open(b"\x02", parameters, parameters)
        outer = self.stack
        self.open(b"\x03", parameters, parameters, list(parameters))
        assert outer == []
        # One piece with the loop: without it the loop might not end.
        if self.fuel_form == 0:
            guard = GET[fuel] + b"\x45\x0d\x01" + GET[fuel] + b"\x41\x01\x6b" + SET[fuel]
        else:
            guard = GET[fuel] + b"\x41\x7f\x6a" + TEE[fuel] + b"\x41\x00\x4c\x0d\x01"
        self.code[-1] += guard
        self.loops += 1
        self.isolated(self.random.choice([1, 2, 3]))
        self.br_if(len(self.labels) - 1, 2)
        self.block_end(parameters)
        self.loops -= 1
        self.emit(END)
        self.labels.pop()
        self.stack = list(parameters)
        self.emit(END)
        _, self.stack = self.labels.pop()
        self.results(parameters)

    # --- The function

    def make(self):
        self.labels.append((Label(self.function.results), []))
        if self.chance(0.8):
            for which in self.pointers:
                self.constant(I32, self.random.choice([0, 8, 16, 64, 128, 512]))
                self.emit(SET[which])
            if self.chance(0.6):
                self.get(I32)
                self.constant(I32, 15)
                self.op(AND[I32])
                self.emit(SET[self.indices[0]])
        for _ in range(self.random.choice([2, 4, 8, 16, 30])):
            self.statement()
        if self.chance(0.75):
            self.epilogue()
        if not self.stack and self.chance(0.05) and self.leave():
            pass
        else:
            self.limit += 40
            self.arrange(self.function.results)
        if self.fuel is not None:
            self.code.insert(0, constant(I32, self.random.randint(3, 14)) + SET[self.fuel])

    def epilogue(self):
        """Leaves the locals in memory, where they are compared."""
        for n, kind in enumerate(list(self.types)):
            canonical = self.canonical(kind) if kind in FLOATS else b""
            store = coded(STORES[kind][0][0]) + b"\x00" + unsigned(EPILOGUE + 16 * n)
            self.emit(b"\x41\x00" + GET[n] + canonical + store)


def arguments(source, parameters):
    """For the wrapper: floats by their bits, vectors as two numbers."""
    words = []
    for kind in parameters:
        if source.random() < 0.7:
            bits = source.choice(CONSTANTS[kind])
        else:
            bits = source.getrandbits(8 * SIZE[kind])
            if kind in (I32, I64) and source.random() < 0.5:
                bits &= 0xFF
        if kind == V128:
            words.append(f"{bits & (1 << 64) - 1}n")
            bits >>= 64
        words.append(f"{bits}n" if SIZE[kind] >= 8 else str(bits))
    return words


def make_module(seed, count):
    """A module, and its plan: calls in order, as (function, arguments), or (function, None) where memory and globals
    are made anew before a function's first call."""
    source = random.Random(seed)
    module = Module()
    module.data = bytes(source.choice([0, 0, 1, 0x7F, 0x80, 0xFF, source.getrandbits(8), source.getrandbits(8)])
                        for _ in range(1024))
    for kind in ALL:
        for _ in range(2):
            module.globals.append((kind, source.choice(CONSTANTS[kind])))
    for bits in (0, 256, source.choice([8, 64, 1000])):
        module.bases.append(len(module.globals))
        module.globals.append((I32, bits))

    def kinds(most):
        return [source.choice([I32, I32, I32, I64, F32, F64, V128]) for _ in range(source.randint(0, most))]

    result_lists = [kinds(1) or [I32] for _ in range(3)] + [kinds(3) for _ in range(3)] + [[I32], [I64]]
    level_of = [0 if n < count * 2 // 5 else 1 if n < count * 3 // 4 else 2 for n in range(count)]
    for n in range(count):
        module.functions.append(Function(kinds(4), list(source.choice(result_lists)), level_of[n]))
    leaves = level_of.count(0)
    for _ in range(TABLE // 2):
        module.table += [source.randrange(leaves)] * 2
    for n in range(count):
        Generator(source, module, n).make()
    plan = []
    for n in range(count):
        plan.append((n, None))
        for _ in range(source.randint(3, 5) if module.functions[n].parameters else 2):
            plan.append((n, arguments(source, module.functions[n].parameters)))
    return module, plan
