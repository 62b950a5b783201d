//! The autoscaler's file and decisions: tables, golden sequences, and a model of ECS for the rest.

mod act;
mod cli;
mod cloud;
mod config;
mod count;
mod fuzz;
mod golden;
mod leader;
pub mod moto;
mod nodes;
mod observe;
mod process;
mod reference;
mod run;
mod schedule;
mod spot;
mod stage;
mod support;
mod world;
