/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * mrd_lab plays a TD's hardware beneath Linux's own interfaces, in a virtual
 * machine that has none. Nothing of it is secure: its key can be read.
 *
 *   hardware.c      registers that extend, TDREPORTs over them, and all faults
 *   measurements.c  /sys/class/misc/tdx_guest/measurements/ (the kernel's tsm-mr)
 *   main.c          /dev/tdx_guest with TDX_CMD_GET_REPORT0; loading
 *   reports.c       /sys/kernel/config/tsm/report/ (the kernel's configfs-tsm)
 *   quoting.c       /dev/mrd_lab_quoting, for the program that makes quotes
 */
#ifndef MRD_LAB_H
#define MRD_LAB_H

#include <linux/module.h>
#include <linux/types.h>
#include <uapi/linux/tdx-guest.h>

#include <crypto/sha2.h>

#define LAB_RTMRS	4
#define LAB_MR_LEN	SHA384_DIGEST_SIZE

/* Offsets in a TDREPORT (Intel TDX module, "TDREPORT_STRUCT"). */
#define REPORT_CPUSVN		16
#define REPORT_TCB_INFO_HASH	32
#define REPORT_TD_INFO_HASH	80
#define REPORT_REPORTDATA	128
#define REPORT_MAC		224
#define REPORT_TCB_INFO		256
#define REPORT_TCB_INFO_LEN	239
#define REPORT_TD_INFO		512
#define REPORT_TD_INFO_LEN	512
#define REPORT_ATTRIBUTES	512
#define REPORT_XFAM		520
#define REPORT_MRTD		528
#define REPORT_MRCONFIGID	576
#define REPORT_MROWNER		624
#define REPORT_MROWNERCONFIG	672
#define REPORT_RTMR(n)		(720 + (n) * LAB_MR_LEN)

/*
 * What can happen to a kind of hardware call; all of it parameters that can be
 * written while the module is loaded, with the name of the kind before them.
 */
struct lab_call {
	int error_before;	/* errno that it gives without having done anything */
	int error_after;	/* errno that it gives after it has taken effect */
	unsigned int delay_ms;
	bool hold;		/* it does not go on before this is 0 again */
	unsigned int held;	/* how many wait for that now; read only */
	unsigned int calls;	/* how many there were; read only */
};

extern struct lab_call lab_extends;	/* extend_*: TDG.MR.RTMR.EXTEND */
extern struct lab_call lab_refreshes;	/* refresh_*: TDG.MR.REPORT for the files */
extern struct lab_call lab_ioctls;	/* ioctl_*: TDG.MR.REPORT for /dev/tdx_guest */
extern struct lab_call lab_quotes;	/* quote_*: a report of configfs-tsm */

/* 0, or the negative errno that is to be returned without doing anything. */
int lab_begin(struct lab_call *call);
/* 0, or the negative errno that is to be returned although it was done. */
int lab_end(const struct lab_call *call);

/* value = SHA-384(value || digest) */
void lab_extend(unsigned int rtmr, const u8 *digest);
/* A TDREPORT of this moment. */
void lab_report(u8 *report, const u8 *reportdata);

/* tsm-mr's group of files. */
const struct attribute_group *lab_measurements_create(void);
void lab_measurements_free(const struct attribute_group *group);

int lab_reports_register(void);
void lab_reports_unregister(void);

int lab_quoting_register(void);
void lab_quoting_unregister(void);
/*
 * Has a quote made over this TDREPORT; *quote is the caller's, to be freed with
 * kvfree(). The errors are those of the kernel's driver: EIO if the host has no
 * quoting service or that refuses, ETIMEDOUT, EINTR, and EBUSY as long as a
 * request that nobody waits for any more has no answer.
 */
int lab_quote(const u8 *report, void **quote, size_t *len);
bool lab_quoting_is_open(void);

#endif
