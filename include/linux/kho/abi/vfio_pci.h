/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wire format of files of vfio-pci that a live update preserves.
 *
 * Copyright The Linux Live Update LTS authors
 */
#ifndef _LINUX_KHO_ABI_VFIO_PCI_H
#define _LINUX_KHO_ABI_VFIO_PCI_H

#include <linux/bits.h>

/* Not mainline's "vfio-pci-v1", which resets the device. */
#define VFIO_PCI_LUO_FH_COMPATIBLE	"vfio-pci-lts-v1"

/**
 * DOC: Format of files of vfio-pci
 *
 * A file is a number of 64 bits and nothing else:
 *
 * ======= =====================================================================
 * 63 - 48 the lower bits of the XXH64 of bits 47 - 0 as a number of 64 bits,
 *         with the identity of the file, see &struct liveupdate_file_op_args,
 *         as the seed
 * 47 - 16 PCI domain
 * 15 - 8  bus
 * 7 - 0   device and function
 * ======= =====================================================================
 *
 * The device is in the list of devices that came in, see &struct pci_ser.
 */
#define VFIO_PCI_LUO_BDF		GENMASK_ULL(15, 0)
#define VFIO_PCI_LUO_DOMAIN		GENMASK_ULL(47, 16)
#define VFIO_PCI_LUO_ADDRESS		GENMASK_ULL(47, 0)
#define VFIO_PCI_LUO_SUM		GENMASK_ULL(63, 48)

#endif /* _LINUX_KHO_ABI_VFIO_PCI_H */
