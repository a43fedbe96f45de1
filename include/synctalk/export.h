/* SPDX-License-Identifier: Apache-2.0 */
/** @file export.h  SYNCTALK_API marks what the shared library exports. */
#ifndef SYNCTALK_EXPORT_H
#define SYNCTALK_EXPORT_H

#if defined(__GNUC__)
#define SYNCTALK_API __attribute__((visibility("default")))
#else
#define SYNCTALK_API
#endif

#endif /* SYNCTALK_EXPORT_H */
