/*
 * What a cached pod costs: reads a list of pods as the API server gives it (its file's name is the argument),
 * reduces and stores each as the operator does, and prints the heap bytes of one, with the allocator's own.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "core/model/world.h"
#include "data/js.h"
#include "kube/store.h"
#include "os/file.h"

#include "base/banned.h"

enum { LIST_MAX = 256 * 1024 * 1024 };

static size_t heap_in_use(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static size_t store_all(const json_t *items, struct store *pods)
{
    size_t before = heap_in_use(), i;
    json_t *pod;
    json_array_foreach(items, i, pod)
    {
        const char *ns = js_text(pod, "metadata.namespace"), *name = js_text(pod, "metadata.name");
        char *text CLEANUP(cleanup_free) = js_dump(pod);
        free(store_put(pods, ns, name, pod_facts_new(view_from(text), NULL)));
    }
    return heap_in_use() - before;
}

int main(int argc, char **argv)
{
    struct err e CLEANUP(err_fini) = {0};
    char *text CLEANUP(cleanup_free) = argc == 2 ? file_read(argv[1], LIST_MAX, NULL, &e) : NULL;
    if (text == NULL)
        return EXIT_FAILURE;
    json_t *list = js_parse(view_from(text), argv[1], &e);
    size_t count = json_array_size(json_object_get(list, "items"));
    if (count == 0)
        return EXIT_FAILURE;
    struct store *pods = store_new(free);
    size_t bytes = store_all(json_object_get(list, "items"), pods);
    printf("%zu\n", (bytes + count - 1) / count);
    store_free(pods);
    json_decref(list);
    return EXIT_SUCCESS;
}
