//! Workspace lifecycle for coding-agent runs: claims, closing gate, dispatch, supervision, drain.
