// SPDX-License-Identifier: GPL-2.0
/*
 * An EFI driver, from the option ROM of a PCI device, that makes the firmware one
 * of another kind:
 *
 *  - it has a table of firmware that can be updated (ESRT), in memory of boot
 *    services, as real firmware has it;
 *  - its map of memory has more entries than the zero page has room for.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <efi.h>
#include <efilib.h>

/* Each takes a page and leaves the next one, so there are twice as many entries. */
#define HOLES		120

struct esrt_entry {
	EFI_GUID class;
	UINT32 type;
	UINT32 version;
	UINT32 lowest_version;
	UINT32 flags;
	UINT32 last_version;
	UINT32 last_status;
} __attribute__((packed));

struct esrt {
	UINT32 count;
	UINT32 max;
	UINT64 version;
	struct esrt_entry entries[3];
} __attribute__((packed));

static EFI_GUID esrt_guid = {
	0xb122a263, 0x3661, 0x4f68,
	{ 0x99, 0x29, 0x78, 0xf8, 0xb0, 0xd6, 0x21, 0x80 }
};

static EFI_STATUS add_esrt(void)
{
	EFI_STATUS status;
	struct esrt *esrt;
	UINT32 i;

	status = BS->AllocatePool(EfiBootServicesData, sizeof(*esrt),
				  (void **)&esrt);
	if (EFI_ERROR(status))
		return status;

	ZeroMem(esrt, sizeof(*esrt));
	esrt->count = 3;
	esrt->max = 3;
	esrt->version = 1;
	for (i = 0; i < 3; i++) {
		esrt->entries[i].class = esrt_guid;
		esrt->entries[i].class.Data1 += i + 1;
		esrt->entries[i].type = 1;
		esrt->entries[i].version = 100 * i + 7;
	}

	return BS->InstallConfigurationTable(&esrt_guid, esrt);
}

/* Reserve every second page of free memory. */
static EFI_STATUS fragment(void)
{
	EFI_PHYSICAL_ADDRESS start, page;
	EFI_STATUS status;
	UINTN i;

	status = BS->AllocatePages(AllocateAnyPages, EfiLoaderData, 2 * HOLES,
				   &start);
	if (!EFI_ERROR(status))
		status = BS->FreePages(start, 2 * HOLES);
	for (i = 0; !EFI_ERROR(status) && i < HOLES; i++) {
		page = start + 2 * i * EFI_PAGE_SIZE;
		status = BS->AllocatePages(AllocateAddress,
					   EfiReservedMemoryType, 1, &page);
	}

	return status;
}

EFI_STATUS efi_main(EFI_HANDLE self, EFI_SYSTEM_TABLE *system)
{
	EFI_STATUS status;

	InitializeLib(self, system);
	status = add_esrt();
	if (!EFI_ERROR(status))
		status = fragment();

	return status;
}
