//! yaml_vault documents: key paths, messages, and the scalar splice that decrypts a file in place.
