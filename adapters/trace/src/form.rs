//! Values of the core that are plain enough to have one form in a trace.

use std::time::Duration;

use longhaul_core::{Algorithm, Digest};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value with a form in a trace. Reading a form is `None` where no value has it: a trace is untrusted.
pub(crate) trait Kept: Sized {
    type Form: Serialize + DeserializeOwned + Clone + PartialEq + std::fmt::Debug;
    fn keep(&self) -> Self::Form;
    fn give(form: &Self::Form) -> Option<Self>;
}

macro_rules! as_it_is {
    ($($type:ty),*) => {$(
        impl Kept for $type {
            type Form = Self;
            fn keep(&self) -> Self {
                *self
            }
            fn give(form: &Self) -> Option<Self> {
                Some(*form)
            }
        }
    )*};
}
as_it_is!(bool, u32, u64, usize);

impl Kept for Duration {
    /// Microseconds: finer the core does not count.
    type Form = u64;
    fn keep(&self) -> u64 {
        u64::try_from(self.as_micros()).unwrap_or(u64::MAX)
    }
    fn give(form: &u64) -> Option<Self> {
        Some(Self::from_micros(*form))
    }
}

impl<T: Kept> Kept for Option<T> {
    type Form = Option<T::Form>;
    fn keep(&self) -> Self::Form {
        self.as_ref().map(T::keep)
    }
    fn give(form: &Self::Form) -> Option<Self> {
        match form {
            None => Some(None),
            Some(form) => T::give(form).map(Some),
        }
    }
}

impl<T: Kept> Kept for Vec<T> {
    type Form = Vec<T::Form>;
    fn keep(&self) -> Self::Form {
        self.iter().map(T::keep).collect()
    }
    fn give(form: &Self::Form) -> Option<Self> {
        form.iter().map(T::give).collect()
    }
}

impl Kept for Algorithm {
    type Form = String;
    fn keep(&self) -> String {
        self.name().to_owned()
    }
    fn give(form: &String) -> Option<Self> {
        Self::from_name(form)
    }
}

impl Kept for Digest {
    type Form = String;
    fn keep(&self) -> String {
        self.to_string()
    }
    fn give(form: &String) -> Option<Self> {
        let (name, hex) = form.split_once(':')?;
        Self::from_hex(Algorithm::from_name(name)?, hex)
    }
}

/// A struct of the core and its form, field by field. `base` makes the value whose fields are then set.
macro_rules! forms {
    ($($(#[$doc:meta])* $form:ident of $type:ty, from $base:expr => { $($field:ident: $kind:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
        pub struct $form {
            $(pub(crate) $field: <$kind as $crate::form::Kept>::Form,)*
        }

        impl $crate::form::Kept for $type {
            type Form = $form;
            fn keep(&self) -> $form {
                $form { $($field: $crate::form::Kept::keep(&self.$field),)* }
            }
            #[allow(clippy::field_reassign_with_default, reason = "no more than some of the structs may be written out here")]
            fn give(form: &$form) -> Option<Self> {
                let mut value: $type = $base;
                $(value.$field = <$kind as $crate::form::Kept>::give(&form.$field)?;)*
                Some(value)
            }
        }
    )*};
}
pub(crate) use forms;
