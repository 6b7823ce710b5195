//! The Runwright server: HTTP controller and the runwright binary.
