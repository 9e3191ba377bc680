//! What verbs take that make, change, show and delete small things. They differ in how a thing is named, and
//! in its fields.

/// A verb's arguments for a thing that is to be made: its name and fields.
macro_rules! made {
    ($(#[$doc:meta])* $name:ident { $fields:ty $(, in $place:ty)? }) => {
        #[derive(Debug, Args)]
        $(#[$doc])*
        pub struct $name {
            /// Its name; the id is made from it
            #[arg(short, long, value_name = "NAME", required_unless_present_any = ["input", "file"])]
            pub name: Option<String>,
            $(/// In which project.
            #[command(flatten)]
            pub of: $place,)?
            /// The common fields.
            #[command(flatten)]
            pub fields: $fields,
            /// The rest of the body.
            #[command(flatten)]
            pub body: Body,
            /// What every verb takes.
            #[command(flatten)]
            pub common: Common,
        }
    };
}

/// A verb's arguments for a thing that is to be changed.
macro_rules! changed {
    ($(#[$doc:meta])* $name:ident { $of:ty, $fields:ty }) => {
        #[derive(Debug, Args)]
        $(#[$doc])*
        pub struct $name {
            /// Which one.
            #[command(flatten)]
            pub of: $of,
            /// The common fields.
            #[command(flatten)]
            pub fields: $fields,
            /// The rest of the body.
            #[command(flatten)]
            pub body: Body,
            /// What every verb takes.
            #[command(flatten)]
            pub common: Common,
        }
    };
}

/// A verb's arguments for a thing that is to be shown.
macro_rules! shown {
    ($(#[$doc:meta])* $name:ident { $of:ty }) => {
        #[derive(Debug, Args)]
        $(#[$doc])*
        pub struct $name {
            /// Which one.
            #[command(flatten)]
            pub of: $of,
            /// What every verb takes.
            #[command(flatten)]
            pub common: Common,
        }
    };
}

/// A verb's arguments for a thing that is to be deleted.
macro_rules! deleted {
    ($(#[$doc:meta])* $name:ident { $of:ty }) => {
        #[derive(Debug, Args)]
        $(#[$doc])*
        pub struct $name {
            /// Which one.
            #[command(flatten)]
            pub of: $of,
            /// Do not ask
            #[arg(long, short = 'y', visible_alias = "yes")]
            pub force: bool,
            /// What every verb takes.
            #[command(flatten)]
            pub common: Common,
        }
    };
}

pub(super) use {changed, deleted, made, shown};
