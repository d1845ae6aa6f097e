/*
 * The words of the gate: lines of text on the Unix socket POD_SOCKET, by which
 * the agent lets cloister-exec start the program and hears of its end. Constants
 * only: cloister-exec includes this and links nothing.
 *
 *   exec                         agent
 *   HELLO 1 waiting         ->              first line of a connection: version and state
 *                           <-   WAIT stage       until the inputs are staged, repeated
 *                           <-   START            the program may run
 *   USAGE memory cpu        ->              now and then: bytes and microseconds
 *   EXITED code [terminated] ->             the program has ended; after SIGTERM that ends the pod
 *                           <-   PUBLISHING       repeated
 *                           <-   DONE             exit with the program's code
 *                           <-   FAIL message     at any time: end the program, exit with EXIT_AGENT_FAILED
 *
 * A connection that is lost is made again by exec; HELLO then says what became of
 * the program meanwhile, and the agent answers with its present word.
 */
#ifndef AGENTAPI_GATE_PROTOCOL_H
#define AGENTAPI_GATE_PROTOCOL_H

#define GATE_VERSION "1"

/* exec to agent */
#define GATE_HELLO  "HELLO"
#define GATE_EXITED "EXITED"
#define GATE_USAGE  "USAGE"

/* After the code of a program that the runtime, which ends pods, had sent SIGTERM to while it ran. */
#define GATE_TERMINATED "terminated"

/* States in HELLO; "exited" is followed by what follows EXITED. */
#define GATE_IS_WAITING "waiting"
#define GATE_IS_SWAPPED "swap" /* this container's memory could be swapped: the program is not run */
#define GATE_IS_RUNNING "running"
#define GATE_IS_EXITED  "exited"

/* agent to exec */
#define GATE_SAYS_WAIT       "WAIT"
#define GATE_SAYS_START      "START"
#define GATE_SAYS_PUBLISHING "PUBLISHING"
#define GATE_SAYS_DONE       "DONE"
#define GATE_SAYS_FAIL       "FAIL"

enum {
    GATE_LINE_BYTES = 4096,       /* with its end; who sends more is disconnected */
    GATE_KEEPALIVE_MS = 3 * 1000, /* WAIT and PUBLISHING are repeated */
    GATE_PATIENCE_MS = 300 * 1000 /* exec gives up after this long without a word, unless the program runs */
};

#endif
