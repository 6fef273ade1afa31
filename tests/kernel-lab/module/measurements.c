// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/moduleparam.h>
#include <linux/tsm-mr.h>

#include "mrd_lab.h"

static bool odd_registers;
module_param(odd_registers, bool, 0444);
MODULE_PARM_DESC(odd_registers, "add registers that no TD has: another hash, write-only, a plain store");

/*
 * What the files show, laid out as a TDREPORT. tsm-mr has it refreshed as a
 * whole, under a lock of its own.
 */
static u8 shown[TDX_REPORT_LEN];
static u8 odd_sha256[SHA256_DIGEST_SIZE];
static u8 odd_write_only[SHA512_DIGEST_SIZE];
static u8 odd_store[16] = "a plain store";

static void fill_shown(void)
{
	static const u8 no_reportdata[TDX_REPORTDATA_LEN];

	lab_report(shown, no_reportdata);
}

static int refresh(const struct tsm_measurements *tm)
{
	int ret = lab_begin(&lab_refreshes);

	if (ret)
		return ret;
	fill_shown();
	return lab_end(&lab_refreshes);
}

/* tsm-mr has seen to it that `data` are as many bytes as the register has. */
static int extend_or_write(const struct tsm_measurements *tm,
			   const struct tsm_measurement_register *mr, const u8 *data)
{
	int ret = lab_begin(&lab_extends);

	if (ret)
		return ret;
	if (mr - tm->mrs < LAB_RTMRS)
		lab_extend(mr - tm->mrs, data);
	else
		memcpy(mr->mr_value, data, mr->mr_size);
	return lab_end(&lab_extends);
}

#define RTMR(n) {						\
	.mr_name = "rtmr" #n,					\
	.mr_value = shown + REPORT_RTMR(n),			\
	.mr_size = LAB_MR_LEN,					\
	.mr_hash = HASH_ALGO_SHA384,				\
	.mr_flags = TSM_MR_F_READABLE | TSM_MR_F_RTMR,		\
}
#define STATIC_MR(name, offset, flags) {			\
	.mr_name = (name),					\
	.mr_value = shown + (offset),				\
	.mr_size = LAB_MR_LEN,					\
	.mr_hash = HASH_ALGO_SHA384,				\
	.mr_flags = TSM_MR_F_READABLE | (flags),		\
}

static const struct tsm_measurement_register registers[] = {
	RTMR(0),
	RTMR(1),
	RTMR(2),
	RTMR(3),
	STATIC_MR("mrtd", REPORT_MRTD, 0),
	STATIC_MR("mrconfigid", REPORT_MRCONFIGID, TSM_MR_F_NOHASH),
	STATIC_MR("mrowner", REPORT_MROWNER, TSM_MR_F_NOHASH),
	STATIC_MR("mrownerconfig", REPORT_MROWNERCONFIG, TSM_MR_F_NOHASH),
	/* With odd_registers alone. They store what is written. */
	{ .mr_name = "odd256", .mr_value = odd_sha256, .mr_size = sizeof(odd_sha256),
	  .mr_hash = HASH_ALGO_SHA256, .mr_flags = TSM_MR_F_READABLE | TSM_MR_F_RTMR },
	{ .mr_name = "oddwriteonly", .mr_value = odd_write_only, .mr_size = sizeof(odd_write_only),
	  .mr_hash = HASH_ALGO_SHA512, .mr_flags = TSM_MR_F_WRITABLE },
	{ .mr_name = "oddstore", .mr_value = odd_store, .mr_size = sizeof(odd_store),
	  .mr_flags = TSM_MR_F_READABLE | TSM_MR_F_WRITABLE | TSM_MR_F_NOHASH },
};
#define TD_REGISTERS 8

static struct tsm_measurements measurements = {
	.mrs = registers,
	.nr_mrs = TD_REGISTERS,
	.refresh = refresh,
	.write = extend_or_write,
};

const struct attribute_group *lab_measurements_create(void)
{
	/* Registers that are not live are never refreshed. */
	fill_shown();
	if (odd_registers)
		measurements.nr_mrs = ARRAY_SIZE(registers);
	return tsm_mr_create_attribute_group(&measurements);
}

void lab_measurements_free(const struct attribute_group *group)
{
	tsm_mr_free_attribute_group(group);
}
