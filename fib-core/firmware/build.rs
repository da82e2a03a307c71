//! Writes the memory layout of the machine that QEMU emulates, for the linker script of the runtime.

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = env::var("TARGET").expect("cargo sets TARGET");
    let memory = match target.as_str() {
        // lm3s6965evb
        "thumbv7m-none-eabi" => cortex_m("0x00000000", "256K", "64K"),
        // microbit
        "thumbv6m-none-eabi" => cortex_m("0x00000000", "256K", "16K"),
        // mps2-an386
        "thumbv7em-none-eabihf" => cortex_m("0x00000000", "256K", "64K"),
        // virt
        "riscv32imac-unknown-none-elf" => "\
            MEMORY { RAM : ORIGIN = 0x80000000, LENGTH = 256K }\n\
            REGION_ALIAS(\"REGION_TEXT\", RAM);\n\
            REGION_ALIAS(\"REGION_RODATA\", RAM);\n\
            REGION_ALIAS(\"REGION_DATA\", RAM);\n\
            REGION_ALIAS(\"REGION_BSS\", RAM);\n\
            REGION_ALIAS(\"REGION_HEAP\", RAM);\n\
            REGION_ALIAS(\"REGION_STACK\", RAM);\n"
            .into(),
        _ => panic!("there is no memory layout for the target {target}: scripts/firmware names those that have one"),
    };
    let folder = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&folder).join("memory.x"), memory).expect("OUT_DIR can be written");
    println!("cargo:rustc-link-search={folder}");
    if target.starts_with("riscv") {
        println!("cargo:rustc-link-arg-bins=-Tmemory.x");
    }
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rustc-link-arg-bin=log=-Tdefmt.x");
}

fn cortex_m(flash: &str, flash_size: &str, ram_size: &str) -> String {
    format!(
        "MEMORY {{\n\
        FLASH : ORIGIN = {flash}, LENGTH = {flash_size}\n\
        RAM : ORIGIN = 0x20000000, LENGTH = {ram_size}\n\
        }}\n"
    )
}
