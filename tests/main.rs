//! The one integration binary: behaviour as users meet it, through the program, its exit code and
//! what the server received.
