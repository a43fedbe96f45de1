/* SPDX-License-Identifier: Apache-2.0 */
/* The API, row by row. */
#include "api.h"
#include "page.h"

#define JSON "application/json"

const struct route routes[] = {
    {"GET", "/v1/models", BODY_NONE, false, NULL, api_models,
     "The persons of whom videos can be made, and in which modes", NULL, "200 " JSON " Models", "",
     NULL},
    {"GET", "/v1/frame", BODY_NONE, false, NULL, api_frame,
     "A frame of a person's training video, to choose one by", NULL, "200 image/jpeg Bytes",
     "206 304 400 404 416", "query:model:string! query:number:integer!"},

    {"POST", "/v1/uploads", BODY_FILE, false, api_upload_begin, api_upload_add,
     "Send a file, or announce one whose bytes follow by PATCH", "Bytes", "201 " JSON " Upload",
     "413", "query:name:string header:Upload-Length:integer"},
    {"GET", "/v1/uploads/{id}", BODY_NONE, false, NULL, api_upload,
     "How much of an upload is there", NULL, "200 " JSON " Upload", "404", NULL},
    {"PATCH", "/v1/uploads/{id}", BODY_FILE, false, api_upload_resume, api_upload_append,
     "Go on with an upload", "Bytes", "200 " JSON " Upload", "400 404 409 413",
     "header:Upload-Offset:integer!"},
    {"DELETE", "/v1/uploads/{id}", BODY_NONE, false, NULL, api_upload_remove, "Forget an upload",
     NULL, "204 - -", "404 409", NULL},
    {"GET", "/v1/uploads/{id}/vad", BODY_NONE, false, NULL, api_upload_vad,
     "Where the sound of an upload has speech: the probability for each chunk of it", NULL,
     "200 " JSON " Speech", "404 409 413 422", NULL},

    {"POST", "/v1/videos", BODY_FORM_OR_JSON, false, NULL, api_video_add,
     "Ask for a video; it is made when its turn comes", "VideoRequest", "202 " JSON " Video",
     "400 404 413 415 429", "header:Idempotency-Key:string"},
    {"GET", "/v1/videos", BODY_NONE, false, NULL, api_video_list,
     "The videos asked for, the newest first", NULL, "200 " JSON " Videos", "400",
     "query:limit:integer query:before:integer query:state:string"},
    {"GET", "/v1/videos/{id}", BODY_NONE, false, NULL, api_video, "One video: state and progress",
     NULL, "200 " JSON " Video", "404", NULL},
    {"DELETE", "/v1/videos/{id}", BODY_NONE, false, NULL, api_video_remove,
     "Cancel a video if it is not made yet, and forget it", NULL, "204 - -", "404", NULL},
    {"POST", "/v1/videos/{id}/cancel", BODY_NONE, false, NULL, api_video_cancel,
     "Stop making a video", NULL, "200 " JSON " Video", "404 409", NULL},
    {"GET", "/v1/videos/{id}/events", BODY_NONE, false, NULL, api_video_events,
     "The video as a stream: an event whenever something changed, the last one named end", NULL,
     "200 text/event-stream Event", "404", NULL},
    {"GET", "/v1/videos/{id}/content", BODY_NONE, false, NULL, api_video_content, "The MP4 file",
     NULL, "200 video/mp4 Bytes", "206 304 404 409 416",
     "query:download:integer header:Range:string"},
    {"GET", "/v1/videos/{id}/vad.png", BODY_NONE, false, NULL, api_video_plot,
     "Where the sound has speech, as a picture; of mode clips", NULL, "200 image/png Bytes",
     "206 304 404 409 416", NULL},
    {"GET", "/v1/videos/{id}/edl.json", BODY_NONE, false, NULL, api_video_edit_list,
     "Which clip is seen when; of mode clips", NULL, "200 " JSON " Any", "206 304 404 409 416",
     NULL},

    {"POST", "/v1/session", BODY_JSON, true, NULL, api_session,
     "A cookie for the token, for browsers", "Session", "204 - -", "400 401 413 415", NULL},
    {"GET", "/healthz", BODY_NONE, true, NULL, api_health, "Whether the server works", NULL,
     "200 " JSON " Health", "503", NULL},
    {"GET", "/metrics", BODY_NONE, false, NULL, api_metrics, "Numbers for Prometheus", NULL,
     "200 text/plain Text", "", NULL},
    {"GET", "/openapi.json", BODY_NONE, true, NULL, api_openapi, "This document", NULL,
     "200 " JSON " Any", "", NULL},

    /* The page; nothing of it is part of the interface for programs. */
    {.method = "GET", .path = "/", .open = true, .answer = page_answer},
    {.method = "GET", .path = "/page.css", .open = true, .answer = page_answer},
    {.method = "GET", .path = "/page.js", .open = true, .answer = page_answer},
    {.method = "GET", .path = "/speech.js", .open = true, .answer = page_answer},
    {.method = NULL},
};
