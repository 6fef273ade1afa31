// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "mrd_lab.h"

static long get_report0(struct tdx_report_req __user *to)
{
	struct tdx_report_req *request;
	long ret;

	request = kzalloc(sizeof(*request), GFP_KERNEL);
	if (!request)
		return -ENOMEM;
	if (copy_from_user(request->reportdata, to->reportdata, sizeof(request->reportdata))) {
		ret = -EFAULT;
		goto out;
	}
	ret = lab_begin(&lab_ioctls);
	if (ret)
		goto out;
	lab_report(request->tdreport, request->reportdata);
	if (copy_to_user(to->tdreport, request->tdreport, sizeof(request->tdreport)))
		ret = -EFAULT;
	else
		ret = lab_end(&lab_ioctls);
out:
	kfree(request);
	return ret;
}

static long guest_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	return command == TDX_CMD_GET_REPORT0 ? get_report0((void __user *)argument) : -ENOTTY;
}

static const struct file_operations guest_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = guest_ioctl,
};

static const struct attribute_group *guest_groups[2];

static struct miscdevice guest_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "tdx_guest",
	.fops = &guest_fops,
	.groups = guest_groups,
};

static int __init lab_init(void)
{
	const struct attribute_group *measurements = lab_measurements_create();
	int ret;

	if (IS_ERR(measurements))
		return PTR_ERR(measurements);
	guest_groups[0] = measurements;
	ret = misc_register(&guest_device);
	if (ret)
		goto free_measurements;
	ret = lab_quoting_register();
	if (ret)
		goto deregister_guest;
	ret = lab_reports_register();
	if (ret)
		goto unregister_quoting;
	return 0;

unregister_quoting:
	lab_quoting_unregister();
deregister_guest:
	misc_deregister(&guest_device);
free_measurements:
	lab_measurements_free(measurements);
	return ret;
}

static void __exit lab_exit(void)
{
	lab_reports_unregister();
	lab_quoting_unregister();
	misc_deregister(&guest_device);
	lab_measurements_free(guest_groups[0]);
}

module_init(lab_init);
module_exit(lab_exit);

MODULE_DESCRIPTION("A TD's hardware in software, for mrd's kernel lab");
MODULE_LICENSE("Dual MIT/GPL");
