// SPDX-License-Identifier: GPL-2.0
/*
 * Live update of mounts of tmpfs: extended attributes, POSIX ACLs and the targets
 * of symlinks, as they are written and as they come in.
 *
 * Copyright The Linux Live Update LTS authors
 */
#define pr_fmt(fmt) "tmpfs_luo: " fmt

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/rbtree.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/xattr.h>

#include "tmpfs_luo.h"

static int add_attr(struct memfd_luo_records *attrs, const char *name,
		    const void *value, size_t size)
{
	struct tmpfs_luo_attr_ser ser = {
		.name_size = name ? strlen(name) + 1 : 0,
		.value_size = size,
	};
	int err;

	err = tmpfs_luo_add(attrs, &ser, sizeof(ser));
	if (!err)
		err = tmpfs_luo_add(attrs, name, ser.name_size);
	if (!err)
		err = tmpfs_luo_add(attrs, value, size);
	return err;
}

static int add_target(struct memfd_luo_records *attrs, struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);
	DEFINE_DELAYED_CALL(done);
	const char *target = inode->i_link;
	int err;

	if (!target)
		target = inode->i_op->get_link(dentry, inode, &done);
	if (IS_ERR(target)) {
		pr_warn("the target of the symlink with inode number %lu is lost: remove it\n",
			inode->i_ino);
		return -EIO;
	}
	err = add_attr(attrs, NULL, target, strlen(target) + 1);
	do_delayed_call(&done);
	return err;
}

static const char *acl_name(int type)
{
	return type == ACL_TYPE_ACCESS ? XATTR_NAME_POSIX_ACL_ACCESS :
					 XATTR_NAME_POSIX_ACL_DEFAULT;
}

#ifdef CONFIG_TMPFS_POSIX_ACL
/* tmpfs has its ACLs nowhere but in the cache of the inode. */
static int add_acl(struct memfd_luo_records *attrs, struct inode *inode,
		   int type)
{
	struct posix_acl *acl = get_cached_acl(inode, type);
	void *value;
	int err;

	if (IS_ERR_OR_NULL(acl))
		return 0;

	err = posix_acl_xattr_size(acl->a_count);
	value = kmalloc(err, GFP_KERNEL);
	if (value)
		err = posix_acl_to_xattr(&init_user_ns, acl, value, err);
	else
		err = -ENOMEM;
	posix_acl_release(acl);
	if (err > 0)
		err = add_attr(attrs, acl_name(type), value, err);
	kfree(value);
	return err;
}

static int set_acl(struct inode *inode, int type, const void *value,
		   size_t size)
{
	struct posix_acl *acl;
	int err;

	acl = posix_acl_from_xattr(&init_user_ns, value, size);
	if (IS_ERR_OR_NULL(acl))
		return PTR_ERR(acl) ?: -EIO;
	err = posix_acl_valid(&init_user_ns, acl);
	if (!err && type == ACL_TYPE_DEFAULT && !S_ISDIR(inode->i_mode))
		err = -EIO;
	if (!err)
		set_cached_acl(inode, type, acl);
	posix_acl_release(acl);
	return err;
}
#else
static int add_acl(struct memfd_luo_records *attrs, struct inode *inode,
		   int type)
{
	return 0;
}

static int set_acl(struct inode *inode, int type, const void *value,
		   size_t size)
{
	return -EOPNOTSUPP;
}
#endif

/**
 * tmpfs_luo_add_attrs - add the attributes of an inode to an array
 * @attrs:  the array
 * @dentry: a name of the inode
 *
 * Context: may sleep. The mount is read-only, so that attributes stay.
 * Return: 0, -ENOMEM, or -EIO if the target of a symlink cannot be read.
 */
int tmpfs_luo_add_attrs(struct memfd_luo_records *attrs, struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);
	struct simple_xattr *xattr;
	struct rb_node *node;
	int err = 0;

	if (S_ISLNK(inode->i_mode))
		err = add_target(attrs, dentry);
	for (node = rb_first(&SHMEM_I(inode)->xattrs.rb_root); node && !err;
	     node = rb_next(node)) {
		xattr = rb_entry(node, struct simple_xattr, rb_node);
		err = add_attr(attrs, xattr->name, xattr->value, xattr->size);
	}
	if (!err)
		err = add_acl(attrs, inode, ACL_TYPE_ACCESS);
	if (!err)
		err = add_acl(attrs, inode, ACL_TYPE_DEFAULT);
	return err;
}

/* An attribute that came in. */
struct attr {
	const char *name;	/* NULL for the target of a symlink */
	const void *value;
	size_t size;
};

/* Are these bytes a string with its NUL, and nothing behind it? */
static bool is_string(const char *s, size_t size)
{
	return size && strnlen(s, size) == size - 1;
}

/*
 * Gets the next attribute of the units from *@pos up to @end, and moves *@pos
 * behind it. Returns false if that is damaged.
 */
static bool get_attr(const void **pos, const void *end, struct attr *attr)
{
	const struct tmpfs_luo_attr_ser *ser = *pos;
	const u64 left = (end - *pos) / TMPFS_LUO_UNIT - 1;
	const u64 nr_name = tmpfs_luo_units(ser->name_size);
	const u64 nr_value = tmpfs_luo_units(ser->value_size);
	const void *name = ser + 1;

	if (ser->zero || ser->name_size > XATTR_NAME_MAX + 1 ||
	    ser->value_size > XATTR_SIZE_MAX || nr_name + nr_value > left)
		return false;
	if (ser->name_size && !is_string(name, ser->name_size))
		return false;

	attr->name = ser->name_size ? name : NULL;
	attr->value = name + nr_name * TMPFS_LUO_UNIT;
	attr->size = ser->value_size;
	*pos = attr->value + nr_value * TMPFS_LUO_UNIT;
	return true;
}

/**
 * tmpfs_luo_target - find the target of a symlink that came in
 * @attrs: the attributes of the symlink
 * @nr:    units
 *
 * Return: the target, which has one character at least, or NULL if it is damaged.
 */
const char *tmpfs_luo_target(const void *attrs, u64 nr)
{
	struct attr attr;

	/* It is written first. */
	if (!get_attr(&attrs, attrs + nr * TMPFS_LUO_UNIT, &attr) || attr.name ||
	    attr.size < 2 || attr.size > PAGE_SIZE ||
	    !is_string(attr.value, attr.size))
		return NULL;
	return attr.value;
}

static int set_attr(struct dentry *dentry, const struct attr *attr)
{
	struct inode *inode = d_inode(dentry);

	if (!attr->name)
		return S_ISLNK(inode->i_mode) ? 0 : -EIO;
	if (!strcmp(attr->name, acl_name(ACL_TYPE_ACCESS)))
		return set_acl(inode, ACL_TYPE_ACCESS, attr->value, attr->size);
	if (!strcmp(attr->name, acl_name(ACL_TYPE_DEFAULT)))
		return set_acl(inode, ACL_TYPE_DEFAULT, attr->value,
			       attr->size);
	return __vfs_setxattr_noperm(&nop_mnt_idmap, dentry, attr->name,
				     attr->value, attr->size, 0);
}

/**
 * tmpfs_luo_set_attrs - set attributes that came in
 * @dentry: a name of the inode, which no other task has access to yet
 * @attrs:  the attributes
 * @nr:     units
 *
 * Context: may sleep. Takes the inode lock.
 * Return: 0; -ENOMEM; or another errno if some are damaged, or cannot be set in
 * this kernel.
 */
int tmpfs_luo_set_attrs(struct dentry *dentry, const void *attrs, u64 nr)
{
	const void *end = attrs + nr * TMPFS_LUO_UNIT;
	struct attr attr;
	int err = 0;

	inode_lock(d_inode(dentry));
	while (!err && attrs < end)
		err = get_attr(&attrs, end, &attr) ? set_attr(dentry, &attr) :
						     -EIO;
	inode_unlock(d_inode(dentry));
	return err;
}
