/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX Runtime's C interface: its own header where the system has it, else the entries that we
 * call. The interface is a table that only ever grows: an entry's place in it never changes.
 */
#ifndef ST_ONNX_ABI_H
#define ST_ONNX_ABI_H

#include <stddef.h>
#include <stdint.h>

#define ST_ONNX_API 11 /* the oldest version of the table that has all we call */

#ifdef ST_HAVE_ONNXRUNTIME_H

#include <onnxruntime_c_api.h>

#else

typedef struct OrtStatus OrtStatus;
typedef struct OrtEnv OrtEnv;
typedef struct OrtSession OrtSession;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtRunOptions OrtRunOptions;
typedef struct OrtValue OrtValue;
typedef struct OrtTypeInfo OrtTypeInfo;
typedef struct OrtTensorTypeAndShapeInfo OrtTensorTypeAndShapeInfo;
typedef struct OrtMemoryInfo OrtMemoryInfo;
typedef struct OrtAllocator OrtAllocator;

typedef enum OrtLoggingLevel { ORT_LOGGING_LEVEL_FATAL = 4 } OrtLoggingLevel;
typedef enum GraphOptimizationLevel { ORT_ENABLE_ALL = 99 } GraphOptimizationLevel;
typedef enum OrtAllocatorType { OrtArenaAllocator = 1 } OrtAllocatorType;
typedef enum OrtMemType { OrtMemTypeDefault = 0 } OrtMemType;
typedef enum ONNXTensorElementDataType {
    ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED = 0,
    ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT = 1,
} ONNXTensorElementDataType;

typedef void (*st_onnx_unused)(void);

/* The number before a run of entries is that of its first. NULL is success, any other
 * OrtStatus is released. */
typedef struct OrtApi {
    st_onnx_unused from_0[2];
    const char *(*GetErrorMessage)(const OrtStatus *); /* 2 */
    OrtStatus *(*CreateEnv)(OrtLoggingLevel, const char *id, OrtEnv **);
    st_onnx_unused from_4[4];
    OrtStatus *(*CreateSessionFromArray)(const OrtEnv *, const void *, size_t, /* 8 */
                                         const OrtSessionOptions *, OrtSession **);
    OrtStatus *(*Run)(OrtSession *, const OrtRunOptions *, const char *const *input_names,
                      const OrtValue *const *inputs, size_t, const char *const *output_names,
                      size_t, OrtValue **outputs);
    OrtStatus *(*CreateSessionOptions)(OrtSessionOptions **);
    st_onnx_unused from_11[12];
    OrtStatus *(*SetSessionGraphOptimizationLevel)(OrtSessionOptions *, /* 23 */
                                                   GraphOptimizationLevel);
    OrtStatus *(*SetIntraOpNumThreads)(OrtSessionOptions *, int);
    OrtStatus *(*SetInterOpNumThreads)(OrtSessionOptions *, int);
    st_onnx_unused from_26[4];
    OrtStatus *(*SessionGetInputCount)(const OrtSession *, size_t *); /* 30 */
    OrtStatus *(*SessionGetOutputCount)(const OrtSession *, size_t *);
    st_onnx_unused from_32[1];
    OrtStatus *(*SessionGetInputTypeInfo)(const OrtSession *, size_t, OrtTypeInfo **); /* 33 */
    OrtStatus *(*SessionGetOutputTypeInfo)(const OrtSession *, size_t, OrtTypeInfo **);
    st_onnx_unused from_35[1];
    OrtStatus *(*SessionGetInputName)(const OrtSession *, size_t, OrtAllocator *, /* 36 */
                                      char **);
    OrtStatus *(*SessionGetOutputName)(const OrtSession *, size_t, OrtAllocator *, char **);
    st_onnx_unused from_38[11];
    OrtStatus *(*CreateTensorWithDataAsOrtValue)(const OrtMemoryInfo *, void *, /* 49 */
                                                 size_t bytes, const int64_t *dims, size_t rank,
                                                 ONNXTensorElementDataType, OrtValue **);
    st_onnx_unused from_50[1];
    OrtStatus *(*GetTensorMutableData)(OrtValue *, void **); /* 51 */
    st_onnx_unused from_52[3];
    OrtStatus *(*CastTypeInfoToTensorInfo)(const OrtTypeInfo *, /* 55 */
                                           const OrtTensorTypeAndShapeInfo **);
    st_onnx_unused from_56[4];
    OrtStatus *(*GetTensorElementType)(const OrtTensorTypeAndShapeInfo *, /* 60 */
                                       ONNXTensorElementDataType *);
    OrtStatus *(*GetDimensionsCount)(const OrtTensorTypeAndShapeInfo *, size_t *);
    OrtStatus *(*GetDimensions)(const OrtTensorTypeAndShapeInfo *, int64_t *, size_t);
    st_onnx_unused from_63[2];
    OrtStatus *(*GetTensorTypeAndShape)(const OrtValue *, OrtTensorTypeAndShapeInfo **); /* 65 */
    st_onnx_unused from_66[3];
    OrtStatus *(*CreateCpuMemoryInfo)(OrtAllocatorType, OrtMemType, OrtMemoryInfo **); /* 69 */
    st_onnx_unused from_70[6];
    OrtStatus *(*AllocatorFree)(OrtAllocator *, void *); /* 76 */
    st_onnx_unused from_77[1];
    OrtStatus *(*GetAllocatorWithDefaultOptions)(OrtAllocator **); /* 78 */
    st_onnx_unused from_79[13];
    void (*ReleaseEnv)(OrtEnv *); /* 92 */
    void (*ReleaseStatus)(OrtStatus *);
    void (*ReleaseMemoryInfo)(OrtMemoryInfo *);
    void (*ReleaseSession)(OrtSession *);
    void (*ReleaseValue)(OrtValue *);
    st_onnx_unused from_97[1];
    void (*ReleaseTypeInfo)(OrtTypeInfo *); /* 98 */
    void (*ReleaseTensorTypeAndShapeInfo)(OrtTensorTypeAndShapeInfo *);
    void (*ReleaseSessionOptions)(OrtSessionOptions *);
    st_onnx_unused from_101[29];
    OrtStatus *(*AddSessionConfigEntry)(OrtSessionOptions *, const char *key, /* 130 */
                                        const char *value);
} OrtApi;

#define ST_ONNX_SLOT(name, number) \
    _Static_assert(offsetof(OrtApi, name) == (number) * sizeof(void *), "place of " #name)
ST_ONNX_SLOT(CreateSessionFromArray, 8);
ST_ONNX_SLOT(SetSessionGraphOptimizationLevel, 23);
ST_ONNX_SLOT(SessionGetOutputName, 37);
ST_ONNX_SLOT(CreateTensorWithDataAsOrtValue, 49);
ST_ONNX_SLOT(GetDimensions, 62);
ST_ONNX_SLOT(CreateCpuMemoryInfo, 69);
ST_ONNX_SLOT(ReleaseSessionOptions, 100);
ST_ONNX_SLOT(AddSessionConfigEntry, 130);

typedef struct OrtApiBase {
    const OrtApi *(*GetApi)(uint32_t version); /* NULL where the library is older */
    const char *(*GetVersionString)(void);
} OrtApiBase;

#endif

#endif /* ST_ONNX_ABI_H */
