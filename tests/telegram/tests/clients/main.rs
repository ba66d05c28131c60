//! The judges: clients of others, used by people's thousands of bots, have to find nothing odd about the server. In goes a script for
//! each; here the people act, and what both sides saw is compared.

mod aiogram;
mod judge;
mod ptb;
