//! Wire types of the Runwright server: ids, requests, replies, events, error codes.
