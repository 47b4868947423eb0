// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the list of devices that came in: it may be anything. Included by
 * liveupdate_in.c.
 *
 * Copyright The Linux Live Update LTS authors
 */
#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/string.h>

#define NR	4

/* The list of another kernel, which is preserved up to @preserved bytes. */
struct pci_list {
	struct pci_ser *ser;
	size_t preserved;
};

static bool up_to_its_end(phys_addr_t phys, size_t size)
{
	struct pci_list *list = kunit_get_current_test()->priv;

	return phys == virt_to_phys(list->ser) && size <= list->preserved;
}

/* A bridge, two devices below it, and an entry that is not used. */
static int pci_liveupdate_test_init(struct kunit *test)
{
	struct pci_list *list = kunit_kzalloc(test, sizeof(*list), GFP_KERNEL);
	size_t size = pci_ser_size(NR) + pci_sizes_size(NR);
	struct pci_ser *ser = kunit_kzalloc(test, size, GFP_KERNEL);

	if (!list || !ser)
		return -ENOMEM;
	ser->max_nr_devices = NR;
	ser->nr_devices = NR - 1;
	ser->devices[0] = (struct pci_dev_ser) { .bdf = 0x0018, .refcount = 2 };
	ser->devices[1] = (struct pci_dev_ser) { .bdf = 0x0100, .refcount = 1 };
	ser->devices[3] = (struct pci_dev_ser) { .bdf = 0x0101, .refcount = 1 };
	pci_sizes(ser)->magic = PCI_LUO_BARS_MAGIC;
	pci_sizes(ser)->bars[1].order[0] = 20;
	pci_sizes(ser)->sum = pci_ser_sum(ser);

	list->ser = ser;
	list->preserved = size;
	test->priv = list;
	kunit_activate_static_stub(test, pci_in_is_preserved, up_to_its_end);
	return 0;
}

/* Returns what &liveupdate_flb_ops.retrieve would. */
static int receive(struct kunit *test, unsigned long *nr, bool *sized)
{
	struct pci_list *list = test->priv;
	struct pci_sizes_ser *sizes;
	struct pci_dev_ser *entry;
	struct pci_ser *ser;
	unsigned long key;
	struct xarray in;
	int err;

	ser = pci_in_check(virt_to_phys(list->ser), &sizes);
	if (!ser)
		return -EINVAL;
	xa_init(&in);
	err = pci_in_read(&in, ser);
	*sized = sizes;
	*nr = 0;
	xa_for_each(&in, key, entry)
		(*nr)++;
	xa_destroy(&in);
	return err;
}

static void expect_received(struct kunit *test, bool with_sizes)
{
	unsigned long nr;
	bool sized;

	KUNIT_ASSERT_EQ(test, 0, receive(test, &nr, &sized));
	KUNIT_EXPECT_EQ(test, NR - 1, nr);
	KUNIT_EXPECT_EQ(test, with_sizes, sized);
}

static void expect_refused(struct kunit *test, int err)
{
	unsigned long nr;
	bool sized;

	KUNIT_EXPECT_EQ(test, err, receive(test, &nr, &sized));
}

static void sound_list_is_received(struct kunit *test)
{
	expect_received(test, true);
}

/* Kernels that do not know them leave zeroes, or no room. */
static void list_without_sizes_is_received(struct kunit *test)
{
	struct pci_list *list = test->priv;

	pci_sizes(list->ser)->magic = 0;
	expect_received(test, false);
	list->preserved = pci_ser_size(NR);
	expect_received(test, false);
}

static void list_that_is_not_preserved_is_refused(struct kunit *test)
{
	struct pci_list *list = test->priv;

	list->preserved = pci_ser_size(NR) - 1;
	expect_refused(test, -EINVAL);
	list->preserved = sizeof(struct pci_ser) - 1;
	expect_refused(test, -EINVAL);
	list->preserved = 0;
	expect_refused(test, -EINVAL);
}

static void number_of_entries_is_checked(struct kunit *test)
{
	static const u32 wrong[] = { NR + 1, NR + 4, PCI_LUO_MAX_DEVICES + 1, U32_MAX };
	struct pci_list *list = test->priv;

	/* The checksum does not come into it. */
	for (unsigned int i = 0; i < ARRAY_SIZE(wrong); i++) {
		list->ser->max_nr_devices = wrong[i];
		expect_refused(test, -EINVAL);
	}
	list->ser->max_nr_devices = NR;
	list->ser->nr_devices = NR + 1;
	expect_refused(test, -EINVAL);
}

static void more_entries_than_said_are_refused(struct kunit *test)
{
	struct pci_list *list = test->priv;

	pci_sizes(list->ser)->magic = 0;
	list->ser->nr_devices = NR - 2;
	expect_refused(test, -EINVAL);
}

static void device_that_is_there_twice_is_refused(struct kunit *test)
{
	struct pci_list *list = test->priv;

	pci_sizes(list->ser)->magic = 0;
	list->ser->devices[3].bdf = list->ser->devices[1].bdf;
	expect_refused(test, -EBUSY);
	list->ser->devices[3].domain = 1;
	expect_received(test, false);
}

/* Each bit but those of the magic, without which there is no checksum. */
static void each_damaged_bit_is_found(struct kunit *test)
{
	struct pci_list *list = test->priv;
	u8 *bytes = (u8 *)list->ser;
	size_t magic = pci_ser_size(NR);

	for (size_t at = 0; at < list->preserved; at++) {
		if (at == magic)
			at += sizeof(u64);
		for (int bit = 0; bit < 8; bit++) {
			bytes[at] ^= 1 << bit;
			expect_refused(test, -EINVAL);
			bytes[at] ^= 1 << bit;
		}
	}
	expect_received(test, true);
}

/* Without a checksum, too, nothing is read but what is preserved. */
static void random_damage_does_no_harm(struct kunit *test)
{
	struct pci_list *list = test->priv;
	u8 *bytes = (u8 *)list->ser, *sound;
	struct rnd_state rnd;
	unsigned long nr;
	bool sized;

	pci_sizes(list->ser)->magic = 0;
	sound = kunit_kmalloc(test, list->preserved, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sound);
	memcpy(sound, bytes, list->preserved);
	prandom_seed_state(&rnd, 20);
	for (int i = 0; i < 5000; i++) {
		memcpy(bytes, sound, list->preserved);
		for (int n = prandom_u32_state(&rnd) % 4; n >= 0; n--)
			bytes[prandom_u32_state(&rnd) % list->preserved] =
				prandom_u32_state(&rnd);
		if (!receive(test, &nr, &sized))
			KUNIT_ASSERT_LE(test, nr, NR);
	}
}

static struct kunit_case pci_liveupdate_test_cases[] = {
	KUNIT_CASE(sound_list_is_received),
	KUNIT_CASE(list_without_sizes_is_received),
	KUNIT_CASE(list_that_is_not_preserved_is_refused),
	KUNIT_CASE(number_of_entries_is_checked),
	KUNIT_CASE(more_entries_than_said_are_refused),
	KUNIT_CASE(device_that_is_there_twice_is_refused),
	KUNIT_CASE(each_damaged_bit_is_found),
	KUNIT_CASE(random_damage_does_no_harm),
	{}
};

static struct kunit_suite pci_liveupdate_test_suite = {
	.name = "pci_liveupdate",
	.init = pci_liveupdate_test_init,
	.test_cases = pci_liveupdate_test_cases,
};

kunit_test_suite(pci_liveupdate_test_suite);
