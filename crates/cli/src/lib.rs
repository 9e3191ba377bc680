//! The client verbs of the command line.
