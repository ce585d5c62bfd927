//! Arguments that several commands take.

use clap::Args;
use std::path::PathBuf;

/// Which deployment.
#[derive(Clone, Debug, Default, Args)]
pub struct DeploymentArgs {
    /// A stack: a name in plans/ or the path of a stack file [default: `stack` in payctl.toml]
    pub stack: Option<String>,
    /// The environment [default: $ENVIRONMENT_SUFFIX, else dev]
    #[arg(long)]
    pub env: Option<String>,
    /// The regions, separated by commas; the first is the primary on the first apply [default: those
    /// of the last apply, else those of the stack file]
    #[arg(long, value_delimiter = ',', value_name = "REGION,…")]
    pub regions: Vec<String>,
    /// Move the primary to this region
    #[arg(long, value_name = "REGION")]
    pub primary: Option<String>,
    /// Set a parameter
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parse_pair)]
    pub param: Vec<(String, String)>,
    /// Read parameters from a YAML or JSON file
    #[arg(long, value_name = "FILE")]
    pub params: Vec<PathBuf>,
    /// The folder of the state files [default: state, with --sandbox state/sandbox]
    #[arg(long, value_name = "FOLDER")]
    pub state: Option<PathBuf>,
    /// An address that stands for all of AWS [default: $AWS_ENDPOINT_URL]
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// A profile of AWS's configuration files
    #[arg(long)]
    pub profile: Option<String>,
    /// Work on the private local AWS, which is started if need be
    #[arg(long)]
    pub sandbox: bool,
    /// How many calls may be under way in each region
    #[arg(long, default_value_t = 32, value_name = "CALLS", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub parallelism: u16,
}

/// What a plan may touch.
#[derive(Clone, Debug, Default, Args)]
pub struct PlanArgs {
    /// Only nodes that match, and what they need (`us-east-1/*`, `Key`, `*/Rule*`)
    #[arg(long, value_name = "ADDRESS")]
    pub target: Vec<String>,
    /// No node that matches, nor what needs it
    #[arg(long, value_name = "ADDRESS")]
    pub exclude: Vec<String>,
    /// Look at every resource first; with --refresh=false the state is trusted instead
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub refresh: bool,
    /// Replace or delete types that hold data
    #[arg(long)]
    pub allow_data_loss: bool,
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once('=').ok_or_else(|| format!("'{text}' is not of the form NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}
