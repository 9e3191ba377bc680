//! `boatyard abort service build`

use crate::args::{AbortBuild, Format};
use crate::connect::{Place, Session};
use crate::console::Console;
use crate::error::CliError;
use crate::render::{self, View};

pub(super) async fn build(args: AbortBuild, console: &mut Console) -> Result<(), CliError> {
    let session = Session::open(console, &args.common.connection)?;
    let path = session.build(&args.of).await?;
    let place = Place::build(&path);
    let answer = session
        .at(&place, session.client.delete(&path.segments(), &[]))
        .await?;
    match args.common.shown.output {
        Format::Table => Ok(console.say(&format!("{} is being stopped", path.build))?),
        format => render::show(console, format, answer.data, NO_TABLE),
    }
}

/// For answers that a table has nothing to show of.
pub(super) const NO_TABLE: View = |_, _| Ok(render::Sheet::default());
