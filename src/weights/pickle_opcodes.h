/* SPDX-License-Identifier: Apache-2.0 */
/* The opcodes that the pickle machine knows, and what a pickle may cost. Source: CPython's
 * Lib/pickletools.py. */
#ifndef ST_WEIGHTS_PICKLE_OPCODES_H
#define ST_WEIGHTS_PICKLE_OPCODES_H

#include <stddef.h>
#include <stdint.h>

#define ST_PICKLE_MAX_PROTOCOL 5
#define ST_PICKLE_MAX_VALUES ((size_t)4 << 20)
#define ST_PICKLE_FIRST_STACK ((size_t)256)
#define ST_PICKLE_MAX_STACK ((size_t)1 << 20)
#define ST_PICKLE_MAX_MARKS ((size_t)1 << 16)
#define ST_PICKLE_MAX_MEMO ST_PICKLE_MAX_VALUES
#define ST_PICKLE_MAX_GLOBAL 256 /* bytes of a module's or an object's name */

enum opcode {
    OP_MARK = '(',
    OP_STOP = '.',
    OP_POP = '0',
    OP_POP_MARK = '1',
    OP_DUP = '2',
    OP_BINFLOAT = 'G',
    OP_BININT = 'J',
    OP_BININT1 = 'K',
    OP_BININT2 = 'M',
    OP_NONE = 'N',
    OP_BINPERSID = 'Q',
    OP_REDUCE = 'R',
    OP_BINSTRING = 'T',
    OP_SHORT_BINSTRING = 'U',
    OP_BINUNICODE = 'X',
    OP_APPEND = 'a',
    OP_BUILD = 'b',
    OP_GLOBAL = 'c',
    OP_DICT = 'd',
    OP_APPENDS = 'e',
    OP_BINGET = 'h',
    OP_INST = 'i',
    OP_LONG_BINGET = 'j',
    OP_LIST = 'l',
    OP_BINPUT = 'q',
    OP_LONG_BINPUT = 'r',
    OP_SETITEM = 's',
    OP_TUPLE = 't',
    OP_SETITEMS = 'u',
    OP_EMPTY_DICT = '}',
    OP_EMPTY_LIST = ']',
    OP_EMPTY_TUPLE = ')',
    OP_BINBYTES = 'B',
    OP_SHORT_BINBYTES = 'C',
    OP_PROTO = 0x80,
    OP_NEWOBJ = 0x81,
    OP_TUPLE1 = 0x85,
    OP_TUPLE2 = 0x86,
    OP_TUPLE3 = 0x87,
    OP_NEWTRUE = 0x88,
    OP_NEWFALSE = 0x89,
    OP_LONG1 = 0x8a,
    OP_LONG4 = 0x8b,
    OP_SHORT_BINUNICODE = 0x8c,
    OP_BINUNICODE8 = 0x8d,
    OP_BINBYTES8 = 0x8e,
    OP_EMPTY_SET = 0x8f,
    OP_ADDITEMS = 0x90,
    OP_FROZENSET = 0x91,
    OP_STACK_GLOBAL = 0x93,
    OP_MEMOIZE = 0x94,
    OP_FRAME = 0x95,
    OP_BYTEARRAY8 = 0x96,
};

/* Opcodes with a number after them: its width in bytes, 0 for the others. */
static inline size_t st_pickle_argument_bytes(uint8_t op)
{
    switch (op) {
    case OP_PROTO:
    case OP_BININT1:
    case OP_BINGET:
    case OP_BINPUT:
    case OP_LONG1:
    case OP_SHORT_BINSTRING:
    case OP_SHORT_BINUNICODE:
    case OP_SHORT_BINBYTES:
        return 1;
    case OP_BININT2:
        return 2;
    case OP_BININT:
    case OP_BINSTRING:
    case OP_BINUNICODE:
    case OP_BINBYTES:
    case OP_LONG_BINGET:
    case OP_LONG_BINPUT:
    case OP_LONG4:
        return 4;
    case OP_BINUNICODE8:
    case OP_BINBYTES8:
    case OP_BYTEARRAY8:
    case OP_FRAME:
        return 8;
    default:
        return 0;
    }
}

#endif /* ST_WEIGHTS_PICKLE_OPCODES_H */
