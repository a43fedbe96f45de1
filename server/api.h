/* SPDX-License-Identifier: Apache-2.0 */
/* The answers of the API, one function for each row of routes.c. */
#ifndef SERVER_API_H
#define SERVER_API_H

#include "http.h"

enum MHD_Result api_models(struct request *request);
enum MHD_Result api_frame(struct request *request);

enum MHD_Result api_video_add(struct request *request);
enum MHD_Result api_video_list(struct request *request);
enum MHD_Result api_video(struct request *request);
enum MHD_Result api_video_events(struct request *request);
enum MHD_Result api_video_content(struct request *request);
enum MHD_Result api_video_plot(struct request *request);
enum MHD_Result api_video_edit_list(struct request *request);
enum MHD_Result api_video_cancel(struct request *request);
enum MHD_Result api_video_remove(struct request *request);

int api_upload_begin(struct request *request); /* makes request->upload */
enum MHD_Result api_upload_add(struct request *request);
int api_upload_resume(struct request *request); /* likewise */
enum MHD_Result api_upload_append(struct request *request);
enum MHD_Result api_upload(struct request *request);
enum MHD_Result api_upload_content(struct request *request);
enum MHD_Result api_upload_remove(struct request *request);

/* These are called again when there is an answer (question.h). */
enum MHD_Result api_upload_vad(struct request *request);
enum MHD_Result api_upload_face(struct request *request); /* a stream: once */
enum MHD_Result api_voices(struct request *request);
enum MHD_Result api_speech(struct request *request);

/* Ask, and go to sleep. *asked: there is an answer to be given, and none was sent. */
enum MHD_Result questions_ask_and_sleep(struct request *request, const struct question_order *order,
                                        bool *asked);
/* Answer with what went wrong. */
enum MHD_Result questions_refuse(struct request *request, const struct question_answer *answer);
enum MHD_Result reply_upload(struct request *request, int status, const struct upload_row *row);

enum MHD_Result api_session(struct request *request);
enum MHD_Result api_health(struct request *request);
enum MHD_Result api_metrics(struct request *request);
enum MHD_Result api_openapi(struct request *request);

/* E_MISSING: `name` is no person of the project; the sentence names those that are. */
synctalk_status api_check_person(const struct server *server, const char *name,
                                 synctalk_error *err);

#endif /* SERVER_API_H */
