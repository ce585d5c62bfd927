//! What no emulator does, replayed on the wire: a kind's calls against a server
//! that plays AWS's part of a script.

mod ec2;
mod json;
mod replay;
