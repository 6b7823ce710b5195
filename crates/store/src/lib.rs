//! Durable runs, sessions and events of a Runwright server, in one SQLite file behind the ports of `runwright-agent`.
