//! Tells the program how the GMP that it links with was built.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let folder = |name| PathBuf::from(env::var_os(name).expect("gmp-mpfr-sys tells its folders"));
    let header = fs::read_to_string(folder("DEP_GMP_INCLUDE_DIR").join("gmp.h")).expect("gmp.h is text");
    let flags = header
        .lines()
        .find_map(|line| line.strip_prefix("#define __GMP_CFLAGS "))
        .expect("gmp.h tells the compiler's flags");
    let library = fs::read(folder("DEP_GMP_LIB_DIR").join("libgmp.a")).expect("libgmp.a is there");
    // A fat GMP calls the code that it has chosen through this table.
    let table = b"__gmpn_cpuvec";
    let fat = library.windows(table.len()).any(|window| window == table);
    let kind = if fat { "fat (its code is chosen at run time)" } else { "native" };
    println!("cargo::rustc-env=GMP_BUILD={kind}, {}", flags.trim_matches('"'));
    if fat {
        println!("cargo::warning=run cargo in benches/peers to have GMP built for this CPU");
    }
}
