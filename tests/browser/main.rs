//! The console as a person uses it: real pages of a real server in a real Chromium, on both databases.
