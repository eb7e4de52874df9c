//! Where the files of the compiler and the C library lie.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

#[test]
fn the_c_librarys_files_may_lie_anywhere() {
    // conda's compiler has these files in the home folder.
    let home = tempfile::tempdir().unwrap();
    let (bin, files) = (home.path().join("bin"), home.path().join("lib"));
    fs::create_dir_all(&bin).unwrap();
    fs::create_dir_all(&files).unwrap();
    for name in [
        "crt1.o",
        "crti.o",
        "crtbeginT.o",
        "crtend.o",
        "crtn.o",
        "libc.a",
        "libm.a",
        "libgcc.a",
        "libgcc_eh.a",
    ] {
        let asked = Command::new("cc").arg(format!("-print-file-name={name}")).output().unwrap();
        let found = String::from_utf8(asked.stdout).unwrap();
        fs::copy(found.trim(), files.join(name)).unwrap();
    }
    let cc = bin.join("cc");
    let script = format!(
        "#!/bin/sh\ncase $1 in -print-file-name=*) echo {}/${{1#*=}};; *) exec {} \"$@\";; esac\n",
        files.display(),
        which("cc")
    );
    fs::write(&cc, script).unwrap();
    fs::set_permissions(&cc, fs::Permissions::from_mode(0o755)).unwrap();
    let source = home.path().join("program.rs");
    fs::write(&source, "fn main() { println!(\"linked\") }").unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let output = Command::new(env!("CARGO_BIN_EXE_code_evolution_host"))
        .arg("exec")
        .arg(&source)
        .env("PATH", path)
        .env("XDG_CACHE_HOME", home.path().join("cache"))
        .output()
        .unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(text.contains("linked"), "{text}");
}

fn which(program: &str) -> String {
    let path = std::env::var("PATH").unwrap();
    let mut found = path.split(':').map(|folder| format!("{folder}/{program}"));
    found.find(|path| fs::exists(path).unwrap()).expect("it is installed")
}
