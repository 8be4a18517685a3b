//! Rebuilds when a migration changes, which the macro that embeds them can't see.
fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
