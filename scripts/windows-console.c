/* Runs a program in a console of its own that has no window, and sends it console events, which only a process of the same
   console can do. Each line of standard input is an event: `c` for Ctrl-C, `b` for Ctrl-Break. Exits with the program's status.
   Usage: console COMMAND-LINE */
#include <stdio.h>
#include <windows.h>

static BOOL WINAPI ignore(DWORD event) {
    (void)event;
    return TRUE;
}

static void fail(const char *what) {
    fprintf(stderr, "console: %s: error %lu\n", what, GetLastError());
    ExitProcess(99);
}

static DWORD WINAPI send_events(void *unused) {
    char line[8];
    (void)unused;
    while (fgets(line, sizeof line, stdin)) {
        if (!GenerateConsoleCtrlEvent(line[0] == 'b' ? CTRL_BREAK_EVENT : CTRL_C_EVENT, 0))
            fail("GenerateConsoleCtrlEvent");
    }
    return 0;
}

int main(int count, char **arguments) {
    PROCESS_INFORMATION program;
    DWORD status;
    STARTUPINFOA startup = {.cb = sizeof startup, .dwFlags = STARTF_USESTDHANDLES};
    if (count != 2) {
        fprintf(stderr, "usage: console COMMAND-LINE\n");
        return 98;
    }
    startup.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    startup.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    if (!CreateProcessA(NULL, arguments[1], NULL, NULL, TRUE, CREATE_NO_WINDOW, NULL, NULL, &startup, &program))
        fail("CreateProcess");
    FreeConsole();
    /* The console may not be ready at once. */
    for (int attempt = 0; !AttachConsole(program.dwProcessId); attempt++) {
        if (attempt == 500)
            fail("AttachConsole");
        Sleep(10);
    }
    if (!SetConsoleCtrlHandler(ignore, TRUE))
        fail("SetConsoleCtrlHandler");
    if (!CreateThread(NULL, 0, send_events, NULL, 0, NULL))
        fail("CreateThread");
    WaitForSingleObject(program.hProcess, INFINITE);
    GetExitCodeProcess(program.hProcess, &status);
    ExitProcess(status);
}
