/* What a boot loader does: gives the devicetree to the kernel. Addresses are those of tests/no-low-memory.t. */
	ldr	x0, =DEVICETREE
	mov	x1, xzr
	mov	x2, xzr
	mov	x3, xzr
	ldr	x4, =KERNEL
	br	x4
