//! Who asks, what they may do, and how they sign in: the management API and the console stand on the same.

pub(crate) mod caller;
pub(crate) mod problem;
pub(crate) mod sign_in;
