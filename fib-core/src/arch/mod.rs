//! Kernels: the loops over slices of limbs, apart from everything generic so that they are compiled here, once.

mod portable;

pub(crate) use portable::{add_binary_in_place, add_decimal_in_place, decimal_text};
