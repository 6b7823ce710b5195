//! Admission of agent prompts: validated calls, accepted-run reservations, lanes, cancel, and the ports of a runner.
