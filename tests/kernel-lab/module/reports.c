// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/tsm.h>

#include "mrd_lab.h"

static char *provider = "tdx_guest";
module_param(provider, charp, 0444);
MODULE_PARM_DESC(provider, "what configfs-tsm shows as provider; empty: there is none. sev_guest and arm_cca_guest have their own reports");

static bool all_attributes;
module_param(all_attributes, bool, 0444);
MODULE_PARM_DESC(all_attributes, "show what a TD has not: privlevel, service_*, auxblob, manifestblob");

static bool svsm;
module_param(svsm, bool, 0444);
MODULE_PARM_DESC(svsm, "sev_guest: there is a service module, which keeps services");

static unsigned int privlevel_floor;
module_param(privlevel_floor, uint, 0444);

static bool no_certificates;
module_param(no_certificates, bool, 0644);
MODULE_PARM_DESC(no_certificates, "sev_guest: the host has none");

static bool ignore_privlevel;
module_param(ignore_privlevel, bool, 0644);
MODULE_PARM_DESC(ignore_privlevel, "sev_guest: reports are for the floor, whatever was asked for");

static const char certificates[] = "mrd_lab's certificates";

static bool is_snp(void)
{
	return !strcmp(provider, "sev_guest");
}

static bool is_cca(void)
{
	return !strcmp(provider, "arm_cca_guest");
}

/* The kernel frees blobs with kvfree(), also after an error. */
static int give(u8 **blob, size_t *blob_len, const void *bytes, size_t len)
{
	*blob = kvmemdup(bytes, len, GFP_KERNEL);
	*blob_len = *blob ? len : 0;
	return *blob ? 0 : -ENOMEM;
}

/* ---- TDX -------------------------------------------------------------- */

static int tdx_report(struct tsm_report *report)
{
	void *quote = NULL;
	size_t quote_len;
	u8 *tdreport;
	int ret;

	/* Hardware wants all of it. */
	if (report->desc.inblob_len != TDX_REPORTDATA_LEN)
		return -EINVAL;
	tdreport = kmalloc(TDX_REPORT_LEN, GFP_KERNEL);
	if (!tdreport)
		return -ENOMEM;
	lab_report(tdreport, report->desc.inblob);
	ret = lab_quote(tdreport, &quote, &quote_len);
	kfree(tdreport);
	if (ret)
		return ret;
	report->outblob = quote;
	report->outblob_len = quote_len;
	return all_attributes ? give(&report->auxblob, &report->auxblob_len, certificates, sizeof(certificates) - 1) : 0;
}

/*
 * Of a guest that is no TD: who signs its reports gets the privilege level and
 * the report data, each at its place in what would be a TDREPORT. With nobody
 * there the reports below are given, which nobody signed.
 */
#define ASKED_LEVEL		0
#define ASKED_DATA		64

static int signed_report(u8 level, const u8 *data, size_t data_len, void **blob, size_t *blob_len)
{
	u8 *asked = kzalloc(TDX_REPORT_LEN, GFP_KERNEL);
	int ret;

	if (!asked)
		return -ENOMEM;
	asked[ASKED_LEVEL] = level;
	memcpy(asked + ASKED_DATA, data, data_len);
	ret = lab_quote(asked, blob, blob_len);
	kfree(asked);
	return ret;
}

/* ---- SEV-SNP: as drivers/virt/coco/sev-guest ---- */

#define SNP_REPORT_LEN		1184
#define SNP_VERSION		0
#define SNP_VMPL		0x30
#define SNP_REPORT_DATA		0x50
#define SNP_REPORT_DATA_LEN	64

static int snp_report(struct tsm_report *report)
{
	const struct tsm_report_desc *desc = &report->desc;
	u8 data[SNP_REPORT_DATA_LEN];
	char manifest[128];
	size_t manifest_len;
	u8 vmpl;
	u8 *blob;
	int ret;

	if (desc->inblob_len != SNP_REPORT_DATA_LEN)
		return -EINVAL;
	if (desc->service_provider) {
		struct sha512_ctx ctx;

		if (strcmp(desc->service_provider, "svsm"))
			return -EINVAL;
		manifest_len = guid_is_null(&desc->service_guid) ?
			scnprintf(manifest, sizeof(manifest), "mrd_lab's services") :
			scnprintf(manifest, sizeof(manifest), "mrd_lab's service %pUl, version %u",
				  &desc->service_guid, desc->service_manifest_version);
		sha512_init(&ctx);
		sha512_update(&ctx, desc->inblob, desc->inblob_len);
		sha512_update(&ctx, manifest, manifest_len);
		sha512_final(&ctx, data);
		vmpl = 0;
		ret = give(&report->manifestblob, &report->manifestblob_len, manifest, manifest_len);
		if (ret)
			return ret;
	} else {
		/* The key of a lower level is not the guest's. */
		if (desc->privlevel < privlevel_floor)
			return -EINVAL;
		memcpy(data, desc->inblob, sizeof(data));
		vmpl = ignore_privlevel ? privlevel_floor : desc->privlevel;
	}

	if (lab_quoting_is_open()) {
		void *both;
		size_t both_len;

		ret = signed_report(vmpl, data, sizeof(data), &both, &both_len);
		if (ret)
			return ret;
		ret = both_len < SNP_REPORT_LEN ? -EIO : give(&report->outblob, &report->outblob_len, both, SNP_REPORT_LEN);
		if (!ret && !no_certificates)
			ret = give(&report->auxblob, &report->auxblob_len, both + SNP_REPORT_LEN, both_len - SNP_REPORT_LEN);
		kvfree(both);
		return ret;
	}

	blob = kvzalloc(SNP_REPORT_LEN, GFP_KERNEL);
	if (!blob)
		return -ENOMEM;
	blob[SNP_VERSION] = 3;
	blob[SNP_VMPL] = vmpl;
	memcpy(blob + SNP_REPORT_DATA, data, sizeof(data));
	report->outblob = blob;
	report->outblob_len = SNP_REPORT_LEN;
	return no_certificates ? 0 : give(&report->auxblob, &report->auxblob_len, certificates, sizeof(certificates) - 1);
}

/* ---- Arm CCA: as drivers/virt/coco/arm-cca-guest ---- */

static int cca_report(struct tsm_report *report)
{
	/* Tag 399, a platform token without claims, and the realm token: claim 10 alone, the challenge. */
	static const u8 before[] = { 0xd9, 0x01, 0x8f, 0xa2, 0x19, 0xac, 0xca, 0x49,
				     0xd2, 0x84, 0x43, 0xa1, 0x01, 0x26, 0xa0, 0x40, 0x40,
				     0x19, 0xac, 0xd1, 0x58, 176,
				     0xd2, 0x84, 0x44, 0xa1, 0x01, 0x38, 0x22, 0xa0, 0x58, 68, 0xa1, 0x0a, 0x58, 64 };
	static const u8 signature_head[] = { 0x58, 96 };
	u8 token[sizeof(before) + 64 + sizeof(signature_head) + 96] = {};

	if (report->desc.inblob_len < 32 || report->desc.inblob_len > 64)
		return -EINVAL;
	if (lab_quoting_is_open()) {
		void *made;
		size_t made_len;
		int ret = signed_report(0, report->desc.inblob, report->desc.inblob_len, &made, &made_len);

		if (ret)
			return ret;
		report->outblob = made;
		report->outblob_len = made_len;
		return 0;
	}
	memcpy(token, before, sizeof(before));
	memcpy(token + sizeof(before), report->desc.inblob, report->desc.inblob_len);
	memcpy(token + sizeof(before) + 64, signature_head, sizeof(signature_head));
	return give(&report->outblob, &report->outblob_len, token, sizeof(token));
}

/* ---- */

static int report_new(struct tsm_report *report, void *data)
{
	int ret = lab_begin(&lab_quotes);

	if (!ret)
		ret = is_snp() ? snp_report(report) : is_cca() ? cca_report(report) : tdx_report(report);
	if (!ret)
		ret = lab_end(&lab_quotes);
	return ret;
}

static bool attr_visible(int n)
{
	switch (n) {
	case TSM_REPORT_GENERATION:
	case TSM_REPORT_PROVIDER:
		return true;
	case TSM_REPORT_PRIVLEVEL:
	case TSM_REPORT_PRIVLEVEL_FLOOR:
		return all_attributes || is_snp();
	default:
		return all_attributes || (is_snp() && svsm);
	}
}

static bool bin_attr_visible(int n)
{
	switch (n) {
	case TSM_REPORT_INBLOB:
	case TSM_REPORT_OUTBLOB:
		return true;
	case TSM_REPORT_AUXBLOB:
		return all_attributes || is_snp();
	default:
		return all_attributes || (is_snp() && svsm);
	}
}

static struct tsm_report_ops report_ops = {
	.report_new = report_new,
};

int lab_reports_register(void)
{
	if (!provider[0])
		return 0;
	report_ops.name = provider;
	report_ops.privlevel_floor = privlevel_floor;
	/* Arm's driver does not choose: the kernel shows everything. */
	if (!is_cca()) {
		report_ops.report_attr_visible = attr_visible;
		report_ops.report_bin_attr_visible = bin_attr_visible;
	}
	return tsm_report_register(&report_ops, NULL);
}

void lab_reports_unregister(void)
{
	if (provider[0])
		tsm_report_unregister(&report_ops);
}
