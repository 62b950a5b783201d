//! The autoscaler's file and decisions: tables, golden sequences, and a model of ECS for the rest.

mod config;
mod count;
mod golden;
mod nodes;
mod schedule;
mod support;
mod world;
