//! The attacks, as a program of its own: `attacker NAME [PARAMETER]...` tries one and prints `got: ..` or
//! `denied: ..`. Compiled by plain rustc, without crates, and linked statically.
//!
//! It is careful where a jail with a hole would hurt: signals are sent with number 0 (only the
//! permission is checked), bombs count their shots.

use std::ffi::CString;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs, UdpSocket};
use std::os::fd::FromRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::time::Duration;
use std::{env, fs, process, ptr, thread};

unsafe extern "C" {
    fn syscall(number: i64, ...) -> i64;
}

/// Numbers that differ between processors: x86_64's, aarch64's.
macro_rules! numbers {
    ($($name:ident $x86:literal $arm:literal)*) => {
        #[allow(dead_code, non_upper_case_globals)]
        mod nr { $(pub const $name: i64 = if cfg!(target_arch = "x86_64") { $x86 } else { $arm };)* }
    };
}
numbers! {
    mmap 9 222  mprotect 10 226  munmap 11 215  madvise 28 233  clone 56 220  execve 59 221  kill 62 129
    tgkill 234 131  tkill 200 130  setsid 112 157  setpgid 109 154  ptrace 101 117
    process_vm_readv 310 270  prlimit64 302 261  getpriority 140 141  setpriority 141 140
    shmget 29 194  msgget 68 186  semget 64 190  mq_open 240 180  unshare 272 97  mount 165 40
    chroot 161 51  truncate 76 45  memfd_create 319 279  execveat 322 281  prctl 157 167
    seccomp 317 277  bpf 321 280  perf_event_open 298 241  userfaultfd 323 282  keyctl 250 219
    add_key 248 217  socketpair 53 199  pipe2 293 59  epoll_create1 291 20  eventfd2 290 19
    sched_setaffinity 203 122  setitimer 38 103  timer_create 222 107  rt_sigqueueinfo 129 138
    rt_tgsigqueueinfo 297 240  personality 135 92  mlockall 151 230  inotify_init1 294 26
    name_to_handle_at 303 264  open_by_handle_at 304 265  vmsplice 278 75  fcntl 72 25  ioctl 16 29
    setuid 105 146  capset 126 91  setns 308 268  kcmp 312 272  mremap 25 216  getppid 110 173
    sched_setscheduler 144 119  setrlimit 160 164  sendmsg 46 211  recvmsg 47 212  sysinfo 99 179
    process_vm_writev 311 271  pkey_mprotect 329 288  remap_file_pages 216 234  fchmodat 268 53
    modify_ldt 154 -1  quotactl 179 60  swapon 167 224  acct 163 89  getsid 124 156
}
/// Numbers that are the same everywhere.
mod new {
    pub const PIDFD_SEND_SIGNAL: i64 = 424;
    pub const IO_URING_SETUP: i64 = 425;
    pub const OPEN_TREE: i64 = 428;
    pub const FSOPEN: i64 = 430;
    pub const PIDFD_OPEN: i64 = 434;
    pub const CLONE3: i64 = 435;
    pub const OPENAT2: i64 = 437;
    pub const PROCESS_MADVISE: i64 = 440;
    pub const LANDLOCK_CREATE_RULESET: i64 = 444;
    pub const MEMFD_SECRET: i64 = 447;
    pub const FCHMODAT2: i64 = 452;
    pub const FUTURE: i64 = 600;
}

type Outcome = io::Result<String>;

/// Calls the kernel; -1 becomes the error.
macro_rules! call {
    ($number:expr $(, $argument:expr)*) => {{
        let result = unsafe { syscall($number, $($argument as i64),*) };
        if result == -1 { Err(io::Error::last_os_error()) } else { Ok(format!("result {result}")) }
    }};
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let parameter = |at: usize| arguments.get(at).cloned().unwrap_or_default();
    let target = Target {
        secret: parameter(2),
        folder: parameter(3),
        host: parameter(4).parse().unwrap_or(0),
        port: parameter(5),
    };
    match attack(&arguments[1], &target) {
        Ok(what) => println!("got: {what}"),
        Err(error) => println!("denied: {error}"),
    }
}

struct Target {
    /// A readable file outside the jail, in what stands for a home folder.
    secret: String,
    /// The folder around it.
    folder: String,
    /// The process outside that started the jail.
    host: i64,
    /// A port on which the host listens.
    port: String,
}

fn c(text: &str) -> CString {
    CString::new(text).unwrap()
}

/// Opens with these flags, as no function of std would.
fn open_at(path: &str, flags: i64) -> Outcome {
    let openat = if cfg!(target_arch = "x86_64") { 257 } else { 56 };
    call!(openat, -100, c(path).as_ptr(), flags, 0)
}

fn hang() -> ! {
    loop {
        thread::sleep(Duration::from_secs(1000));
    }
}

fn read(path: &str) -> Outcome {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(4096).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn map(length: u64, protection: i64, flags: i64) -> io::Result<u64> {
    let result = unsafe { syscall(nr::mmap, 0_i64, length, protection, flags, -1_i64, 0_i64) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result as u64) }
}

fn attack(name: &str, target: &Target) -> Outcome {
    const PRIVATE_ANONYMOUS: i64 = 0x22;
    const SHARED_ANONYMOUS: i64 = 0x21;
    let secret = target.secret.as_str();
    let Target { host, folder, port, .. } = target;
    let done = |what: &str| Ok(what.to_owned());
    let in_folder = |name: &str| format!("{folder}/{name}");
    match name {
        // Reading.
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
            if all.is_empty() { Err(io::Error::other("it is empty")) } else { Ok(format!("{all:?}")) }
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
                // Not owned, so never closed: the descriptor may not exist.
                let mut file = std::mem::ManuallyDrop::new(unsafe { fs::File::from_raw_fd(fd) });
                let mut bytes = [0; 64];
                if let Ok(length) = file.read(&mut bytes) {
                    found.push(format!("{fd}: {}", String::from_utf8_lossy(&bytes[..length])));
                }
            }
            if found.is_empty() { Err(io::Error::other("none is open")) } else { Ok(found.join(", ")) }
        }

        // Writing.
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
        "symlink" => std::os::unix::fs::symlink("/etc", in_folder("link")).map(|()| "made".to_owned()),
        "fill_disk" => {
            let mut file = fs::File::create("big")?;
            for _ in 0..256 {
                file.write_all(&vec![1; 1 << 20])?;
            }
            done("256 MB written")
        }

        // Network.
        "tcp" => TcpStream::connect(format!("127.0.0.1:{port}")).map(|_| "connected".to_owned()),
        "tcp_listen" => std::net::TcpListener::bind("127.0.0.1:0").map(|_| "bound".to_owned()),
        "udp" => UdpSocket::bind("127.0.0.1:0").map(|_| "bound".to_owned()),
        "unix_socket" => UnixStream::connect(in_folder("socket")).map(|_| "connected".to_owned()),
        "unix_listen" => UnixListener::bind("listening").map(|_| "bound".to_owned()),
        "unix_datagram" => UnixDatagram::unbound().map(|_| "made".to_owned()),
        "dns" => ("localhost", 80).to_socket_addrs().and_then(|addresses| {
            let all: Vec<_> = addresses.collect();
            UdpSocket::bind("0.0.0.0:0").map(|_| format!("{all:?}"))
        }),
        "netlink" => {
            let socket = if cfg!(target_arch = "x86_64") { 41 } else { 198 };
            call!(socket, 16, 3, 0)
        }
        "vsock" => {
            let socket = if cfg!(target_arch = "x86_64") { 41 } else { 198 };
            call!(socket, 40, 1, 0)
        }
        "socket_pair" => call!(nr::socketpair, 1, 1, 0, [0_i32; 2].as_mut_ptr()),
        "datagram_pair" => call!(nr::socketpair, 1, 2, 0, [0_i32; 2].as_mut_ptr()),
        "network_pair" => call!(nr::socketpair, 2, 1, 0, [0_i32; 2].as_mut_ptr()),
        "send_to_an_address" => {
            let sendto = if cfg!(target_arch = "x86_64") { 44 } else { 206 };
            call!(sendto, 0, c("x").as_ptr(), 1, 0, [1_u16, 0].as_ptr(), 2)
        }
        "send_descriptor" => call!(nr::sendmsg, 0, [0_u64; 8].as_ptr(), 0),
        "receive_descriptor" => call!(nr::recvmsg, 0, [0_u64; 8].as_mut_ptr(), 0x40),

        // Processes.
        "command" => process::Command::new("/bin/true").status().map(|status| status.to_string()),
        "command_own_file" => {
            fs::write("script", "#!/bin/sh\necho hello\n")?;
            let file = fs::File::open("script")?;
            file.set_permissions(fs::Permissions::from_mode(0o755))?;
            drop(file);
            process::Command::new("./script").status().map(|status| status.to_string())
        }
        "command_home" => process::Command::new(in_folder("program")).status().map(|s| s.to_string()),
        "fork" => fork().map(|pid| format!("child {pid}")),
        "fork_bomb" => {
            for _ in 0..50 {
                fork()?;
            }
            done("50 forks")
        }
        "setsid_grandchild" => {
            fork()?;
            call!(nr::setsid)?;
            hang()
        }
        "setsid" => {
            // Only a process that leads no group may: a thread cannot, so fork where that is allowed.
            if fork()? == 0 {
                let outcome = call!(nr::setsid);
                println!("{}", if outcome.is_ok() { "got: a session" } else { "denied: EPERM" });
                process::exit(0);
            }
            thread::sleep(Duration::from_millis(100));
            Err(io::Error::other("see the child's line"))
        }
        "setpgid" => call!(nr::setpgid, 0, 0),
        "execve" => {
            let program = c("/bin/true");
            let arguments = [program.as_ptr(), ptr::null()];
            call!(nr::execve, program.as_ptr(), arguments.as_ptr(), arguments[1..].as_ptr())
        }
        "execve_with_guesses" => {
            let program = c("/bin/true");
            let arguments = [program.as_ptr(), ptr::null()];
            let (argv, envp) = (arguments.as_ptr(), arguments[1..].as_ptr());
            let mut last = done("nothing tried");
            for guess in [0_i64, -1, i64::MIN, 0x8000_0000_8000_0000_u64 as i64] {
                last = call!(nr::execve, program.as_ptr(), argv, envp, guess, guess, guess);
            }
            last
        }
        "execveat" => {
            let program = c("/bin/true");
            let arguments = [program.as_ptr(), ptr::null()];
            let (argv, envp) = (arguments.as_ptr(), arguments[1..].as_ptr());
            call!(nr::execveat, -100, program.as_ptr(), argv, envp, 0)
        }
        "clone3" => call!(new::CLONE3, [0_u64; 11].as_ptr(), 88),
        "clone_vm_process" => {
            // Shares memory but is no thread: a process that the host would not know.
            call!(nr::clone, 0x100 | 0x4000 | 17, 0, 0, 0, 0)
        }
        "clone_new_user" => call!(nr::clone, 0x1000_0000 | 17, 0, 0, 0, 0),
        "unshare" => call!(nr::unshare, 0x1000_0000),
        "unshare_network" => call!(nr::unshare, 0x4000_0000),
        "setns" => call!(nr::setns, 0, 0),
        "kill_host" => call!(nr::kill, *host, 0),
        "kill_everyone" => call!(nr::kill, -1, 0),
        "kill_group_of_host" => call!(nr::kill, -*host, 0),
        "tgkill_host" => call!(nr::tgkill, *host, *host, 0),
        "tkill_host" => call!(nr::tkill, *host, 0),
        "sigqueue_host" => call!(nr::rt_sigqueueinfo, *host, 0, [0_u64; 16].as_ptr()),
        "tgsigqueue_host" => call!(nr::rt_tgsigqueueinfo, *host, *host, 0, [0_u64; 16].as_ptr()),
        "pidfd_host" => call!(new::PIDFD_OPEN, *host, 0),
        "pidfd_signal" => call!(new::PIDFD_SEND_SIGNAL, 0, 0, 0, 0),
        "ptrace_host" => call!(nr::ptrace, 0x4206, *host, 0, 0),
        "ptrace_me" => call!(nr::ptrace, 0, 0, 0, 0),
        "process_vm_readv" => {
            let mut byte = [0_u64; 2];
            let area = [byte.as_mut_ptr() as u64, 8];
            let theirs = [0x1_0000_u64, 8];
            let (area, theirs) = (area.as_ptr(), theirs.as_ptr());
            call!(nr::process_vm_readv, *host, area, 1, theirs, 1, 0)
        }
        "process_vm_writev" => {
            let area = [0x1_0000_u64, 8];
            call!(nr::process_vm_writev, *host, area.as_ptr(), 1, area.as_ptr(), 1, 0)
        }
        "process_madvise" => call!(new::PROCESS_MADVISE, 0, 0, 0, 0, 0),
        "kcmp" => call!(nr::kcmp, *host, *host, 0, 0, 0),
        "prlimit_host" => {
            let limits = [1_u64, 1];
            // Reads the host's limits; with a pointer in third place it would set them.
            let _ = limits;
            call!(nr::prlimit64, *host, 7, 0, [0_u64; 2].as_mut_ptr())
        }
        "priority_of_host" => {
            call!(nr::getpriority, 0, *host).and_then(|_| call!(nr::setpriority, 0, *host, 0))
        }
        "schedule_host" => call!(nr::sched_setscheduler, *host, 0, [0_i32].as_ptr()),
        "affinity_of_host" => call!(nr::sched_setaffinity, *host, 8, [u64::MAX].as_ptr()),
        "raise_a_limit" => call!(nr::prlimit64, 0, 7, [1 << 20_u64, 1 << 20].as_ptr(), 0),
        "raise_cpu_limit" => call!(nr::setrlimit, 0, [u64::MAX, u64::MAX].as_ptr()),
        "outlive_the_host" => call!(nr::prctl, 1, 0, 0, 0, 0),
        "undumpable" => call!(nr::prctl, 4, 0, 0, 0, 0),
        "become_subreaper" => call!(nr::prctl, 36, 1, 0, 0, 0),
        "second_filter" => call!(nr::seccomp, 1, 0, [0_u64; 2].as_ptr()),
        "setuid" => call!(nr::setuid, 0).and_then(|_| call!(nr::setuid, 12345)),
        "capabilities" => {
            let header = [0x2008_0522_u32, 0];
            let all = [u32::MAX; 6];
            call!(nr::capset, header.as_ptr(), all.as_ptr())
        }

        // Memory.
        "shared_map" => map(4096, 3, SHARED_ANONYMOUS).map(|at| format!("{at:x}")),
        "shared_validated_map" => map(4096, 3, 0x23).map(|at| format!("{at:x}")),
        "map_that_grows_down" => map(4096, 3, PRIVATE_ANONYMOUS | 0x100).map(|at| format!("{at:x}")),
        "huge_page_map" => map(2 << 20, 3, PRIVATE_ANONYMOUS | 0x40000).map(|at| format!("{at:x}")),
        "executable_map" => map(4096, 7, PRIVATE_ANONYMOUS).map(|at| format!("{at:x}")),
        "make_executable" => {
            let at = map(4096, 3, PRIVATE_ANONYMOUS)?;
            call!(nr::mprotect, at, 4096, 5)
        }
        "make_executable_by_key" => {
            let at = map(4096, 3, PRIVATE_ANONYMOUS)?;
            call!(nr::pkey_mprotect, at, 4096, 5, -1)
        }
        "page_table_bomb" => map(1 << 40, 1, PRIVATE_ANONYMOUS | 0x4000).map(|at| format!("{at:x}")),
        "raw_memory_bomb" => {
            let mut total = 0;
            for _ in 0..64 {
                let at = map(32 << 20, 3, PRIVATE_ANONYMOUS)?;
                unsafe { ptr::write_bytes(at as *mut u8, 1, 32 << 20) };
                total += 32;
            }
            Ok(format!("{total} MB"))
        }
        "merge_pages" => {
            let at = map(4096, 3, PRIVATE_ANONYMOUS)?;
            call!(nr::madvise, at, 4096, 12)
        }
        "signal_flood" => {
            let this = process::id();
            unsafe extern "C" {
                fn signal(number: i32, handler: usize) -> usize;
                fn sigprocmask(how: i32, set: *const u64, old: *mut u64) -> i32;
            }
            unsafe { signal(40, 0) };
            unsafe { sigprocmask(0, [u64::MAX; 16].as_ptr(), ptr::null_mut()) };
            for _ in 0..1000 {
                call!(nr::tgkill, this, this, 40)?;
            }
            done("1000 signals queued")
        }
        "lock_memory" => call!(nr::mlockall, 1),
        "memory_file" => call!(nr::memfd_create, c("x").as_ptr(), 0),
        "secret_memory_file" => call!(new::MEMFD_SECRET, 0),
        "shmget" => call!(nr::shmget, 0, 4096, 0o1600),
        "msgget" => call!(nr::msgget, 0, 0o1600),
        "semget" => call!(nr::semget, 0, 1, 0o1600),
        "message_queue" => call!(nr::mq_open, c("jail").as_ptr(), 0o102, 0o600, 0),

        // Parts of the kernel.
        "io_uring" => call!(new::IO_URING_SETUP, 1, [0_u64; 32].as_mut_ptr()),
        "bpf" => call!(nr::bpf, 0, [0_u64; 16].as_ptr(), 72),
        "perf" => call!(nr::perf_event_open, [0_u64; 16].as_ptr(), 0, -1, -1, 0),
        "userfaultfd" => call!(nr::userfaultfd, 1),
        "keyring" => call!(nr::keyctl, 0, -3, 1),
        "add_key" => call!(nr::add_key, c("user").as_ptr(), c("x").as_ptr(), c("y").as_ptr(), 1, -3),
        "mount" => {
            let (source, at, kind) = (c("none"), c("/tmp"), c("tmpfs"));
            call!(nr::mount, source.as_ptr(), at.as_ptr(), kind.as_ptr(), 0, 0)
        }
        "open_tree" => call!(new::OPEN_TREE, -100, c("/tmp").as_ptr(), 1),
        "fsopen" => call!(new::FSOPEN, c("tmpfs").as_ptr(), 0),
        "chroot" => call!(nr::chroot, c(".").as_ptr()),
        "personality" => call!(nr::personality, 0x0004_0000),
        "inotify" => call!(nr::inotify_init1, 0),
        "landlock_probe" => call!(new::LANDLOCK_CREATE_RULESET, 0, 0, 1),
        "owner_of_descriptor" => call!(nr::fcntl, 0, 8, *host),
        "type_into_terminal" => call!(nr::ioctl, 0, 0x5412, [b'x'].as_ptr()),
        "vmsplice" => call!(nr::vmsplice, 1, [0_u64; 2].as_ptr(), 0, 0),
        "timer" => call!(nr::timer_create, 0, 0, [0_u64; 1].as_mut_ptr()),
        "interval_timer" => call!(nr::setitimer, 0, [0_u64; 4].as_ptr(), 0),
        "pipe" => call!(nr::pipe2, [0_i32; 2].as_mut_ptr(), 0),
        "epoll" => call!(nr::epoll_create1, 0),
        "event" => call!(nr::eventfd2, 0, 0),
        "machine_load" => call!(nr::sysinfo, [0_u64; 16].as_mut_ptr()),
        "swap" => call!(nr::swapon, c("x").as_ptr(), 0),
        "accounting" => call!(nr::acct, c("x").as_ptr()),
        "future_call" => call!(new::FUTURE),
        "x32_call" => call!(0x4000_0000_i64 + nr::getppid),
        #[cfg(target_arch = "x86_64")]
        "foreign_call" => {
            let result: i64;
            // getpid by the 32-bit interface, which numbers calls differently.
            unsafe { std::arch::asm!("int 0x80", inout("rax") 20_i64 => result) };
            Ok(format!("result {result}"))
        }

        // What only a limit ends.
        "endless_loop" => loop {
            std::hint::black_box(0);
        },
        "endless_loop_deaf" => {
            unsafe extern "C" {
                fn signal(number: i32, handler: usize) -> usize;
            }
            for number in 1..65 {
                unsafe { signal(number, 1) };
            }
            loop {
                std::hint::black_box(0);
            }
        }
        "endless_sleep" => hang(),
        "close_everything_and_hang" => {
            for fd in 0..3 {
                drop(unsafe { fs::File::from_raw_fd(fd) });
            }
            hang()
        }
        "stdout_flood" => loop {
            io::stdout().write_all(&[b'x'; 65536])?;
        },
        "stderr_flood" => loop {
            io::stderr().write_all(&[b'x'; 65536])?;
        },
        "frames_flood" => {
            let mut frames = unsafe { fs::File::from_raw_fd(0) };
            loop {
                frames.write_all(&[b'x'; 65536])?;
            }
        }
        "memory_bomb" => {
            let mut all = Vec::new();
            for _ in 0..4096 {
                all.push(vec![1_u8; 1 << 20]);
            }
            Ok(format!("{} MB", all.len()))
        }
        "thread_bomb" => {
            for _ in 0..20_000 {
                thread::Builder::new().stack_size(16 << 10).spawn(|| hang())?;
            }
            done("20,000 threads")
        }
        "deep_recursion" => Ok(format!("{}", deep(1))),
        "deep_recursion_in_a_thread" => {
            let thread = thread::Builder::new().name("candidate".to_owned()).spawn(|| deep(1))?;
            Ok(format!("{:?}", thread.join().is_ok()))
        }
        "huge_stack_array" => Ok(format!("{}", huge())),
        "abort" => process::abort(),

        "leave_a_child" => {
            let child = fork()?;
            if child == 0 {
                hang();
            }
            Ok(format!("child {child}"))
        }
        "hang_with_a_megabyte" => {
            let bytes = std::hint::black_box(vec![1_u8; 1 << 20]);
            println!("ready {}", bytes.len());
            hang()
        }

        // What must work.
        "threads" => {
            let threads: Vec<_> = (0..8).map(|n: u64| thread::spawn(move || n * n)).collect();
            let total: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
            Ok(format!("total {total}"))
        }
        "collections_time_and_panics" => {
            let map: std::collections::HashMap<_, _> = (0..100).map(|n| (n, n * 2)).collect();
            let start = std::time::Instant::now();
            thread::sleep(Duration::from_millis(2));
            let caught = std::panic::catch_unwind(|| panic!("caught")).is_err();
            let slept = start.elapsed() >= Duration::from_millis(2);
            let day = std::time::SystemTime::now() > std::time::UNIX_EPOCH;
            Ok(format!("{} {slept} {caught} {day}", map[&21]))
        }
        "hundred_megabytes" => {
            let vector = vec![1_u8; 100 << 20];
            Ok(format!("{}", vector.iter().map(|byte| u64::from(*byte)).sum::<u64>()))
        }
        "echo_frames" => {
            let mut frames = fs::File::from(std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned()?);
            let mut request = [0; 5];
            frames.read_exact(&mut request)?;
            frames.write_all(&request)?;
            done("echoed")
        }
        "write_and_rename_in_folder" => {
            fs::create_dir("inner")?;
            fs::write("inner/a", "x")?;
            fs::rename("inner/a", "b")?;
            fs::hard_link("b", "c")?;
            fs::remove_dir_all("inner")?;
            read("c")
        }
        "read_a_library" => {
            let library = ["/usr/lib/os-release", "/usr/lib/locale/C.utf8/LC_CTYPE"];
            library.into_iter().find_map(|path| read(path).ok()).map(|_| "read".to_owned()).ok_or_else(
                || io::Error::other("no known file under /usr/lib"),
            )
        }
        other => panic!("there is no attack {other}"),
    }
}

fn fork() -> io::Result<i64> {
    let result = unsafe { syscall(nr::clone, 17_i64, 0_i64, 0_i64, 0_i64, 0_i64) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

#[allow(unconditional_recursion)]
fn deep(n: u64) -> u64 {
    std::hint::black_box([n; 64])[0] + deep(n + 1)
}

/// Apart, since the frame is as large as all of a function's arrays.
#[inline(never)]
fn huge() -> usize {
    std::hint::black_box([1_u8; 64 << 20]).len()
}
