//! What is done to a data directory from outside a server: looking for damage, repairing it, copying it.
