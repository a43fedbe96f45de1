/* SPDX-License-Identifier: Apache-2.0 */
/* The globals a checkpoint may name. Only the first table has meaning; the second is what
 * training scripts leave beside their weights. Anything in neither ends the parse.
 */
#include <string.h>

#include "weights/pickle.h"

struct known {
    const char *module, *name;
    enum st_pickle_meaning meaning;
    enum st_dtype dtype;
};

static const struct known meanings[] = {
    {"torch._utils", "_rebuild_tensor", ST_MEANS_REBUILD_TENSOR, ST_F32},
    {"torch._utils", "_rebuild_tensor_v2", ST_MEANS_REBUILD_TENSOR, ST_F32},
    {"torch._utils", "_rebuild_parameter", ST_MEANS_REBUILD_PARAMETER, ST_F32},
    {"torch._utils", "_rebuild_parameter_with_state", ST_MEANS_REBUILD_PARAMETER, ST_F32},
    {"collections", "OrderedDict", ST_MEANS_ORDERED_DICT, ST_F32},
    {"torch", "FloatStorage", ST_MEANS_STORAGE, ST_F32},
    {"torch", "HalfStorage", ST_MEANS_STORAGE, ST_F16},
    {"torch", "BFloat16Storage", ST_MEANS_STORAGE, ST_BF16},
    {"torch", "DoubleStorage", ST_MEANS_STORAGE, ST_F64},
    {"torch", "LongStorage", ST_MEANS_STORAGE, ST_I64},
    {"torch", "IntStorage", ST_MEANS_STORAGE, ST_I32},
    {"torch", "ShortStorage", ST_MEANS_STORAGE, ST_I16},
    {"torch", "CharStorage", ST_MEANS_STORAGE, ST_I8},
    {"torch", "ByteStorage", ST_MEANS_STORAGE, ST_U8},
    {"torch", "BoolStorage", ST_MEANS_STORAGE, ST_BOOL},
};

/* Names of one module, each between blanks; "*" is every name of it. */
struct names {
    const char *module, *names;
};

static const struct names opaque[] = {
    {"torch", " Size device dtype strided float32 float float16 half bfloat16 float64 double int64 "
              "long int32 int int16 short int8 uint8 bool complex64 complex128 Tensor "
              "ComplexFloatStorage ComplexDoubleStorage QInt8Storage QUInt8Storage QInt32Storage "
              "per_tensor_affine per_channel_affine contiguous_format channels_last "},
    {"torch._utils", " _rebuild_sparse_tensor _rebuild_qtensor _rebuild_tensor_v3 "
                     "_rebuild_device_tensor_from_numpy _rebuild_meta_tensor_no_storage "
                     "_rebuild_nested_tensor _rebuild_wrapper_subclass "},
    {"torch._tensor", " _rebuild_from_type_v2 "},
    {"torch.nn.parameter", " Parameter Buffer "},
    {"torch.serialization", " _get_layout "},
    {"torch.storage", " UntypedStorage TypedStorage _TypedStorage "},
    {"collections", " defaultdict Counter deque "},
    {"argparse", " Namespace "},
    {"types", " SimpleNamespace "},
    {"datetime", " datetime date time timedelta timezone "},
    {"pathlib", " Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath "},
    {"pathlib._local", " Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath "},
    {"numpy", " ndarray dtype bool_ bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 "
              "float32 float64 str_ bytes_ "},
    {"numpy.core.multiarray", " _reconstruct scalar "},
    {"numpy._core.multiarray", " _reconstruct scalar "},
    {"numpy.core.numeric", " _frombuffer "},
    {"numpy._core.numeric", " _frombuffer "},
    {"numpy.dtypes", " Float16DType Float32DType Float64DType Int32DType Int64DType BoolDType "},
    {"_codecs", " encode "}, /* how protocol 2 writes bytes */
    {"builtins", " set frozenset bytearray bytes complex slice range int float bool str list dict "
                 "tuple object "},
    {"__builtin__", " set frozenset bytearray bytes complex slice range int float bool str list "
                    "dict tuple object long unicode "},
    {"copyreg", " _reconstructor "},
    {"copy_reg", " _reconstructor "},
};

/* These run programs, code or imports: the sentence says that, not just "unknown". */
static const struct names danger[] = {
    {"os", " * "},
    {"posix", " * "},
    {"nt", " * "},
    {"subprocess", " * "},
    {"sys", " * "},
    {"shutil", " * "},
    {"socket", " * "},
    {"ctypes", " * "},
    {"importlib", " * "},
    {"runpy", " * "},
    {"pty", " * "},
    {"code", " * "},
    {"pickle", " * "},
    {"_pickle", " * "},
    {"marshal", " * "},
    {"urllib.request", " * "},
    {"webbrowser", " * "},
    {"builtins", " eval exec compile getattr setattr open __import__ input breakpoint globals "},
    {"__builtin__",
     " eval exec execfile compile getattr setattr open file __import__ input apply "},
    {"operator", " attrgetter methodcaller "},
    {"functools", " partial reduce "},
    {"numpy.testing._private.utils", " * "},
};

static bool listed(const struct names *rows, size_t count, const char *module, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].module, module) != 0)
            continue;
        if (strcmp(rows[i].names, " * ") == 0)
            return true;
        for (const char *at = rows[i].names; (at = strchr(at, ' ')) && at[1]; at++) {
            if (strncmp(at + 1, name, length) == 0 && at[1 + length] == ' ')
                return true;
        }
    }
    return false;
}

enum st_pickle_meaning st_pickle_meaning(const char *module, const char *name, enum st_dtype *dtype)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        const struct known *known = &meanings[i];
        if (strcmp(known->module, module) == 0 && strcmp(known->name, name) == 0) {
            *dtype = known->dtype;
            return known->meaning;
        }
    }
    if (listed(danger, sizeof danger / sizeof *danger, module, name))
        return ST_MEANS_DANGER;
    if (listed(opaque, sizeof opaque / sizeof *opaque, module, name))
        return ST_MEANS_NOTHING;
    return ST_MEANS_UNKNOWN;
}
