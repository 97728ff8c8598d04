//! One function per thing that a person or client can do.
//!
//! A function takes a transaction, what the request brings along, and its input; it loads, changes, records an event
//! and answers. It opens no connection and sends nothing, and it may be run again.

pub mod administrators;
pub mod alarms;
pub mod census;
mod error;
pub mod exchanges;
pub mod explain;
pub mod feed;
pub mod first_run;
pub mod groups;
pub mod health;
pub mod keys;
pub mod outlook;
pub mod repeats;
pub mod reports;
pub mod settings;
pub mod tokens;
pub mod users;

pub use error::Error;
