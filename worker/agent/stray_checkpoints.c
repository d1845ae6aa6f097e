#include "agent/stray_checkpoints.h"

#include <dirent.h>
#include <string.h>

#include "agentapi/pod.h"
#include "base/alloc.h"
#include "os/log.h"

#include "base/banned.h"

/* A name in the directory; NULL: it is empty. The caller frees it. */
static char *find_any(void)
{
    DIR *directory = opendir(POD_OUT_CHECKPOINTS);
    const struct dirent *entry;
    char *found = NULL;
    if (directory == NULL)
        return NULL;
    while (found == NULL && (entry = readdir(directory)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            found = xstrdup(entry->d_name);
    closedir(directory);
    return found;
}

void stray_checkpoints_look(struct report_writer *report, bool *has_said)
{
    char *name CLEANUP(cleanup_free) = *has_said ? NULL : find_any();
    if (name == NULL)
        return;
    *has_said = true;
    log_warning("this worker writes to " TRAINER_CHECKPOINTS
                ", but only worker 0's checkpoints are stored: save whole checkpoints on worker 0",
                "name", name, NULL);
    report_writer_warning(report, "The program writes to " TRAINER_CHECKPOINTS
                                  " on this worker, but only worker 0's checkpoints are stored: "
                                  "save whole checkpoints on worker 0.");
}
