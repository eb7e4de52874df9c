//! Reading and changing files.

use std::io::{self, Read, Write};
use std::os::fd::FromRawFd;
use std::os::unix::fs::PermissionsExt;
use std::{env, fs};

use crate::kernel::{c, call, new, nr, open_at};
use crate::{Outcome, Target, done, read};

/// Tries an attack of this kind; returns `None` for an attack of another kind.
pub fn attack(name: &str, target: &Target) -> io::Result<Option<String>> {
    let secret = target.secret.as_str();
    let Target { host, folder, .. } = target;
    let in_folder = |name: &str| format!("{folder}/{name}");
    let outcome: Outcome = match name {
        "read_passwd" => read("/etc/passwd"),
        "read_secret" => read(secret),
        "read_shadow" => read("/etc/shadow"),
        "read_own_environ" => read("/proc/self/environ"),
        "read_host_environ" => read(&format!("/proc/{host}/environ")),
        "read_host_memory" => read(&format!("/proc/{host}/mem")),
        "read_host_cmdline" => read(&format!("/proc/{host}/cmdline")),
        "read_own_executable" => read("/proc/self/exe"),
        "read_own_maps" => read("/proc/self/maps"),
        "read_dev_zero" => read("/dev/zero"),
        "read_kernel_symbols" => read("/proc/kallsyms"),
        "read_environment" => {
            let all: Vec<_> = env::vars().filter(|(name, _)| name != "PATH").collect();
            if all.is_empty() {
                Err(io::Error::other("it is empty"))
            } else {
                Ok(format!("{all:?}"))
            }
        }
        "stat_secret" => fs::metadata(secret).map(|found| format!("{found:?}")),
        "readlink_executable" => fs::read_link("/proc/self/exe").map(|path| format!("{path:?}")),
        "list_home" => fs::read_dir(folder).map(|entries| format!("{}", entries.count())),
        "list_root" => fs::read_dir("/").map(|entries| format!("{}", entries.count())),
        "working_directory" => env::current_dir().map(|path| format!("{path:?}")),
        "symlink_out" => {
            std::os::unix::fs::symlink(secret, "innocent")?;
            read("innocent")
        }
        "hardlink_out" => {
            fs::hard_link(secret, "innocent")?;
            read("innocent")
        }
        "open_how" => {
            let how = [0_u64; 3];
            call!(new::OPENAT2, -100, c(secret).as_ptr(), how.as_ptr(), 24)
        }
        "open_by_handle" => {
            let mut handle = [0_u8; 136];
            handle[0] = 128;
            let mut mount = 0_i32;
            let (handle, mount) = (handle.as_mut_ptr(), &mut mount as *mut i32);
            call!(nr::name_to_handle_at, -100, c(secret).as_ptr(), handle, mount, 0)?;
            call!(nr::open_by_handle_at, -100, handle, 0)
        }
        "inherited_descriptor" => {
            let mut found = Vec::new();
            for fd in 3..1024 {
                // The descriptor is not ours and may not exist, so it is never closed.
                let mut file = std::mem::ManuallyDrop::new(unsafe { fs::File::from_raw_fd(fd) });
                let mut bytes = [0; 64];
                if let Ok(length) = file.read(&mut bytes) {
                    found.push(format!("{fd}: {}", String::from_utf8_lossy(&bytes[..length])));
                }
            }
            if found.is_empty() {
                Err(io::Error::other("none is open"))
            } else {
                Ok(found.join(", "))
            }
        }

        "write_tmp" => fs::write("/tmp/jail-attack", "x").map(|()| "written".to_owned()),
        "write_cwd" => fs::write("new-file", "x").map(|()| "written".to_owned()),
        "write_home" => fs::write(in_folder("new"), "x").map(|()| "written".to_owned()),
        "append_secret" => {
            fs::File::options().append(true).open(secret)?.write_all(b"x")?;
            done("appended")
        }
        "truncate" => call!(nr::truncate, c(secret).as_ptr(), 0),
        "open_and_truncate" => open_at(secret, 0o1000),
        "open_for_neither_and_truncate" => open_at(secret, 0o1003),
        "chmod" => fs::set_permissions(secret, fs::Permissions::from_mode(0o777))
            .map(|()| "changed".to_owned()),
        "chmod_at" => call!(nr::fchmodat, -100, c(secret).as_ptr(), 0o777),
        "chmod_at2" => call!(new::FCHMODAT2, -100, c(secret).as_ptr(), 0o777, 0),
        "rename" => fs::rename(secret, in_folder("moved")).map(|()| "renamed".to_owned()),
        "rename_in" => fs::rename(secret, "moved").map(|()| "renamed".to_owned()),
        "remove" => fs::remove_file(secret).map(|()| "removed".to_owned()),
        "mkdir" => fs::create_dir(in_folder("made")).map(|()| "made".to_owned()),
        "symlink" => {
            std::os::unix::fs::symlink("/etc", in_folder("link")).map(|()| "made".to_owned())
        }
        "fill_disk" => {
            let mut file = fs::File::create("big")?;
            for _ in 0..256 {
                file.write_all(&vec![1; 1 << 20])?;
            }
            done("256 MB written")
        }
        _ => return Ok(None),
    };
    outcome.map(Some)
}
