#!/bin/bash
# The check of layers, on small sources with a table of their own: what it lets pass, and what it finds.
# flavours: none
. "$(dirname "$0")/lib.bash"

box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
cd "$box" || exit

# table TITLE: a csv-table, of the rows on standard input: LAYER FILE
table() {
	printf '%s\n' ".. csv-table:: Layers of $1" '   :header: "Layer", "File", "Job"' '   :widths: 6, 24, 50' ''
	sed 's/\(.*\) \(.*\)/   "\1", "\2", "does its part"/'
	printf '\n%s\n\n' 'Text.'
}

# source_of FILE TEXT: a source, and its object
source_of() {
	mkdir -p "$(dirname "src/$1")" "$(dirname "obj/$1")"
	printf '%s\n' "$2" >"src/$1"
	gcc -w -c -o "obj/${1%.c}.o" "src/$1"
}

# found EXPECTED DESCRIPTION: what the check of all sources has to say
found() {
	local said status=0

	# shellcheck disable=SC2046 # one word a file
	said=$(ARCH=x86_64 "$root/scripts/check/layers" page.rst obj $(cd src && find . -name '*.c' -printf '%P\n' | sort)) || status=1
	is "$said" "$1" "$2"
	is "$status" "$([ -z "$1" ] && echo 0 || echo 1)" "and the status says so"
}

three_layers() {
	table Things <<<$'3 top.c\n2.2 middle.c\n2.1 side.c\n1 low.c' >page.rst
	source_of kernel/low.c 'int low_count; int low(void) { return low_count; }'
	source_of kernel/side.c 'int low(void); int side(void) { return low(); }'
	source_of kernel/middle.c 'int low(void), side(void); int middle(void) { return low() + side(); }'
	source_of arch/top.c 'int low(void), middle(void); int top(void) { return low() + middle(); }'
}

three_layers
found "" "calls that go down"

source_of kernel/low.c 'int top(void), low_count; int low(void) { return top(); }'
found "low.c (1) uses top of top.c (3)" "a call that goes up"

three_layers
source_of kernel/low.c 'extern int top_count; int low_count; int low(void) { return top_count; }'
source_of arch/top.c 'int top_count; int low(void), middle(void); int top(void) { return low() + middle(); }'
found "low.c (1) uses top_count of top.c (3)" "a variable of a file above"

three_layers
source_of kernel/side.c 'int low(void), middle(void); int side(void) { return low() + middle(); }'
found "side.c (2.1) uses middle of middle.c (2.2)" "a call to a layer within the layer that is above"

three_layers
source_of kernel/low.c 'extern int low_count; int __tracepoint_a, __SCK__tp_func_a; int low(void) { return low_count; }'
source_of arch/top.c 'extern int __tracepoint_a, __SCK__tp_func_a; int low_count, low(void); int __tracepoint_b;
		      int top(void) { return low() + __tracepoint_a; }'
source_of kernel/middle.c 'extern int __tracepoint_b; int middle(void) { return __tracepoint_b; }'
found "low.c (1) uses low_count of top.c (3)" "trace points are nobody's"

three_layers
source_of kernel/low.c 'int low_count; int low(void) { static int (*const get)(void); return get(); }'
source_of kernel/tests.c 'int top(void); int test(void) { return top(); }'
found "kernel/tests.c: in no table of layers" "a source that is in no table"
rm src/kernel/tests.c

sed -i 's/side.c/aside.c/' page.rst
found "Layers of Things: aside.c does not exist
kernel/side.c: in no table of layers" "a row whose file does not exist"

table Things <<<$'3 top.c\n2 middle.c\n2 side.c\n1 low.c\n1 low.c' >page.rst
found "Layers of Things: low.c is there more than once
middle.c (2) uses side of side.c (2)" "a call sideways, and a file that is in two rows"

table Things <<<$'3 top.c\n2 middle.c\n2 side.c\n1 low.c' >page.rst
source_of kernel/side.c 'int middle(void); int side(void) { return middle(); }'
found "Layers of Things: a circle in layer 2: middle.c side.c
middle.c (2) uses side of side.c (2)
side.c (2) uses middle of middle.c (2)" "a circle"

three_layers
{ table Things <<<$'9 low.c\n2 side.c\n10 middle.c'; table Tops <<<'1 top.c'; } >page.rst
found "side.c (2) uses low of low.c (9)" "a table is above the one before it"
{ table Tops <<<'3 top.c'; table Things <<<$'1 low.c\n2.1 side.c\n2.2 middle.c'; } >page.rst
found "top.c (Layers of Tops) uses low of low.c (Layers of Things)
top.c (Layers of Tops) uses middle of middle.c (Layers of Things)" "a call to a table that is above"

three_layers
table Things <<<$'3 top.c\n2.10 middle.c\n2.9 side.c\n2 low.c' >page.rst
found "" "the tenth layer within a layer is above the ninth"
table Things <<<$'3 top.c\n2.1 middle.c\n2.10 side.c\n2 low.c' >page.rst
found "middle.c (2.1) uses side of side.c (2.10)" "and above the first"

three_layers
source_of kernel/low.c 'int low_count; __attribute__((weak)) int hook(void) { return 0; } int low(void) { return hook(); }'
found "" "a weak function"
source_of arch/top.c 'int low(void), middle(void); int hook(void) { return 1; } int top(void) { return low() + middle(); }'
found "low.c (1) uses hook of top.c (3)" "a weak function that a file above replaces"

three_layers
rm obj/kernel/side.o obj/arch/top.o
found "kernel/side.c: there is no object of it" "an object that was not built, but for one of another architecture"

three_layers
source_of arch/x86/own.c 'int own(void) { return 0; }'
sed -i 's/"3", "top.c"/"3", "own.c", "does its part"\n   &/' page.rst
rm obj/arch/x86/own.o
truncate -s 100 obj/kernel/side.o
found "arch/x86/own.c: there is no object of it
kernel/side.c: nm finds nothing in its object" "an object of this architecture that was not built, and one that was cut off"
rm src/arch/x86/own.c

three_layers
sed -i 's/"2.1", /2.1, /' page.rst
found "kernel/side.c: in no table of layers
page.rst:7: not of the form \"LAYER\", \"FILE\", \"JOB\"" "a row of another form"
: >page.rst
found "arch/top.c: in no table of layers
kernel/low.c: in no table of layers
kernel/middle.c: in no table of layers
kernel/side.c: in no table of layers
page.rst: no table of layers" "no table"
done_testing
