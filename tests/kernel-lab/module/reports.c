// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/tsm.h>

#include "mrd_lab.h"

static char *provider = "tdx_guest";
module_param(provider, charp, 0444);
MODULE_PARM_DESC(provider, "what configfs-tsm shows as provider; empty: there is none");

static bool all_attributes;
module_param(all_attributes, bool, 0444);
MODULE_PARM_DESC(all_attributes, "show what a TD has not: privlevel, service_*, auxblob, manifestblob");

static unsigned int privlevel_floor;
module_param(privlevel_floor, uint, 0444);

static const char certificates[] = "mrd_lab's certificates";

/* The kernel frees the blobs with kvfree(). */
static int report_new(struct tsm_report *report, void *data)
{
	void *quote = NULL, *auxblob = NULL;
	size_t quote_len;
	u8 *tdreport;
	int ret;

	/* Hardware wants all of it. */
	if (report->desc.inblob_len != TDX_REPORTDATA_LEN)
		return -EINVAL;
	tdreport = kmalloc(TDX_REPORT_LEN, GFP_KERNEL);
	if (!tdreport)
		return -ENOMEM;

	ret = lab_begin(&lab_quotes);
	if (ret)
		goto out;
	lab_report(tdreport, report->desc.inblob);
	ret = lab_quote(tdreport, &quote, &quote_len);
	if (!ret)
		ret = lab_end(&lab_quotes);
	if (!ret && all_attributes) {
		auxblob = kvmemdup(certificates, sizeof(certificates) - 1, GFP_KERNEL);
		if (!auxblob)
			ret = -ENOMEM;
	}
	if (ret) {
		kvfree(quote);
		goto out;
	}
	report->outblob = quote;
	report->outblob_len = quote_len;
	report->auxblob = auxblob;
	report->auxblob_len = auxblob ? sizeof(certificates) - 1 : 0;
out:
	kfree(tdreport);
	return ret;
}

static bool attr_visible(int n)
{
	return all_attributes || n == TSM_REPORT_GENERATION || n == TSM_REPORT_PROVIDER;
}

static bool bin_attr_visible(int n)
{
	return all_attributes || n == TSM_REPORT_INBLOB || n == TSM_REPORT_OUTBLOB;
}

static struct tsm_report_ops report_ops = {
	.report_new = report_new,
	.report_attr_visible = attr_visible,
	.report_bin_attr_visible = bin_attr_visible,
};

int lab_reports_register(void)
{
	if (!provider[0])
		return 0;
	report_ops.name = provider;
	report_ops.privlevel_floor = privlevel_floor;
	return tsm_report_register(&report_ops, NULL);
}

void lab_reports_unregister(void)
{
	if (provider[0])
		tsm_report_unregister(&report_ops);
}
