//! The autoscaler's file and decisions: tables, golden sequences, and a model of ECS for the rest.

mod act;
mod cli;
mod cloud;
mod config;
mod count;
mod golden;
pub mod moto;
mod nodes;
mod observe;
mod reference;
mod schedule;
mod spot;
mod support;
mod world;
