//! The built-in agent of Runwright.
