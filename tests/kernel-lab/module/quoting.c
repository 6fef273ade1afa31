// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * /dev/mrd_lab_quoting: the host's quoting service is a program that opens it.
 * A read waits for the next request, a TDREPORT of 1024 bytes; a write answers
 * it: the status of GetQuote (GHCI, "TDG.VP.VMCALL<GetQuote>"), 64 bits, little
 * endian, and the quote behind it if that is 0.
 *
 * The program must not use configfs: who waits for the quote holds its lock.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/tsm.h>
#include <linux/uaccess.h>
#include <linux/unaligned.h>
#include <linux/wait.h>

#include "mrd_lab.h"

#define STATUS_LEN 8

static unsigned int quote_timeout_ms = 30 * 1000;
module_param(quote_timeout_ms, uint, 0644);
MODULE_PARM_DESC(quote_timeout_ms, "how long a quote is waited for, as the kernel's driver does");

enum request_state { NO_REQUEST, ASKED, TAKEN, ANSWERED };

static struct {
	struct mutex lock;
	wait_queue_head_t changed;
	bool open;
	enum request_state state;
	bool abandoned;		/* who asked waits no more */
	u8 report[TDX_REPORT_LEN];
	u64 status;
	void *quote;
	size_t quote_len;
} quoting = {
	.lock = __MUTEX_INITIALIZER(quoting.lock),
	.changed = __WAIT_QUEUE_HEAD_INITIALIZER(quoting.changed),
};

static void forget_request(void)
{
	kvfree(quoting.quote);
	quoting.quote = NULL;
	quoting.abandoned = false;
	WRITE_ONCE(quoting.state, NO_REQUEST);
}

bool lab_quoting_is_open(void)
{
	return READ_ONCE(quoting.open);
}

int lab_quote(const u8 *report, void **quote, size_t *len)
{
	long left;
	int ret;

	mutex_lock(&quoting.lock);
	ret = !quoting.open ? -EIO : quoting.state != NO_REQUEST ? -EBUSY : 0;
	if (ret)
		goto unlock;
	memcpy(quoting.report, report, sizeof(quoting.report));
	WRITE_ONCE(quoting.state, ASKED);
	wake_up_all(&quoting.changed);
	mutex_unlock(&quoting.lock);

	left = wait_event_interruptible_timeout(quoting.changed,
						READ_ONCE(quoting.state) == ANSWERED || !READ_ONCE(quoting.open),
						msecs_to_jiffies(quote_timeout_ms));

	mutex_lock(&quoting.lock);
	if (quoting.state == ANSWERED && !quoting.status) {
		*quote = quoting.quote;
		*len = quoting.quote_len;
		quoting.quote = NULL;
		forget_request();
	} else if (quoting.state == ANSWERED || !quoting.open) {
		ret = -EIO;
		forget_request();
	} else {
		ret = left < 0 ? -EINTR : -ETIMEDOUT;
		quoting.abandoned = true;
	}
unlock:
	mutex_unlock(&quoting.lock);
	return ret;
}

static int quoting_open(struct inode *inode, struct file *file)
{
	int ret = 0;

	mutex_lock(&quoting.lock);
	if (quoting.open)
		ret = -EBUSY;
	WRITE_ONCE(quoting.open, true);
	mutex_unlock(&quoting.lock);
	return ret;
}

static int quoting_release(struct inode *inode, struct file *file)
{
	mutex_lock(&quoting.lock);
	WRITE_ONCE(quoting.open, false);
	/* Who still waits takes it for a service that is gone. */
	if (quoting.state == NO_REQUEST || quoting.abandoned)
		forget_request();
	wake_up_all(&quoting.changed);
	mutex_unlock(&quoting.lock);
	return 0;
}

static ssize_t quoting_read(struct file *file, char __user *to, size_t len, loff_t *offset)
{
	ssize_t ret = TDX_REPORT_LEN;

	if (len < TDX_REPORT_LEN)
		return -EINVAL;
	if (wait_event_interruptible(quoting.changed, READ_ONCE(quoting.state) == ASKED))
		return -ERESTARTSYS;
	mutex_lock(&quoting.lock);
	if (copy_to_user(to, quoting.report, TDX_REPORT_LEN))
		ret = -EFAULT;
	else
		WRITE_ONCE(quoting.state, TAKEN);
	mutex_unlock(&quoting.lock);
	return ret;
}

static ssize_t quoting_write(struct file *file, const char __user *from, size_t len, loff_t *offset)
{
	ssize_t ret = len;
	u8 *answer;

	if (len < STATUS_LEN || len - STATUS_LEN > TSM_REPORT_OUTBLOB_MAX)
		return -EINVAL;
	answer = kvmalloc(len, GFP_KERNEL);
	if (!answer)
		return -ENOMEM;
	mutex_lock(&quoting.lock);
	if (copy_from_user(answer, from, len)) {
		ret = -EFAULT;
	} else if (quoting.state != TAKEN) {
		ret = -EINVAL;
	} else if (quoting.abandoned) {
		forget_request();
	} else {
		quoting.status = get_unaligned_le64(answer);
		quoting.quote_len = len - STATUS_LEN;
		quoting.quote = kvmemdup(answer + STATUS_LEN, quoting.quote_len, GFP_KERNEL);
		if (!quoting.quote)
			ret = -ENOMEM;
		else
			WRITE_ONCE(quoting.state, ANSWERED);
		wake_up_all(&quoting.changed);
	}
	mutex_unlock(&quoting.lock);
	kvfree(answer);
	return ret;
}

static const struct file_operations quoting_fops = {
	.owner = THIS_MODULE,
	.open = quoting_open,
	.release = quoting_release,
	.read = quoting_read,
	.write = quoting_write,
};

static struct miscdevice quoting_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mrd_lab_quoting",
	.fops = &quoting_fops,
};

int lab_quoting_register(void)
{
	return misc_register(&quoting_device);
}

void lab_quoting_unregister(void)
{
	misc_deregister(&quoting_device);
}
